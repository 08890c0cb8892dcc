// @ts-check
// What doorpost found wrong with what a client did: at its line, beside its message, and explained at length.

import { get } from "./api.js";
import { byId, button, el, many, prose } from "./dom.js";

/** @typedef {import("./api.js").Finding} Finding */

/** From the gravest on. */
const ORDER = ["error", "warning", "info"];
const KINDS = { error: "bad", warning: "warn", info: "" };

/** @param {Finding[]} found */
const gravest = (found) => ORDER.find((one) => found.some((finding) => finding.severity === one)) ?? "info";

/** How many there are, in a list; nothing where there are none. @param {Finding[] | undefined} found */
export function mark(found) {
  if (!found?.length) return null;
  const codes = found.map((one) => one.code).join(", ");
  return el("span", { class: `tag ${KINDS[/** @type {keyof KINDS} */ (gravest(found))]}`, title: codes },
    found.length === 1 ? found[0].code : many(found.length, "finding"));
}

/** One finding as it is shown. @param {Finding} one */
export function note(one) {
  return el("div", { class: `finding ${one.severity}` },
    el("b", {}, el("span", { class: "hidden-text" }, `${one.severity}: `), one.what.replace(/\.$/, ""), "."), " ",
    one.change && el("span", {}, ...prose(one.change), " "),
    one.rfc && el("cite", {}, one.rfc), " ",
    button(one.code, { class: "plain more", "aria-label": `More about ${one.code}`, onclick: () => void explain(one.code) }));
}

/** Findings that belong to no line, or to a message. @param {string} title @param {Finding[]} found */
export function notes(title, found) {
  if (!found.length) return null;
  return el("section", { class: "findings", "aria-label": title }, ...found.map(note));
}

/** The long text about a code. @param {string} code */
async function explain(code) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("about"));
  /** @type {any} */
  let about;
  try {
    about = await get(`/api/findings/${encodeURIComponent(code)}`);
  } catch {
    about = { code, text: "Nothing more is known about it." };
  }
  const text = String(about.text ?? about.about ?? about.explanation ?? "");
  dialog.replaceChildren(el("h2", { id: "about-title" }, about.title ?? code),
    el("p", { class: "facts" }, el("code", {}, code), about.severity && ` · ${about.severity}`, about.rfc && ` · ${about.rfc}`),
    ...text.split(/\n\s*\n/).filter(Boolean).map((part) => el("p", {}, ...prose(part))),
    button("Close", { onclick: () => dialog.close() }));
  dialog.showModal();
}

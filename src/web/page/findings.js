// @ts-check
// What doorpost found wrong with what a client did: at its line, beside its message, and explained at length.

import { get } from "./api.js";
import { byId, button, el, prose } from "./dom.js";

/** @typedef {import("./api.js").Finding} Finding */

/** From the gravest on. */
const ORDER = ["error", "warning", "info"];
const KINDS = { error: "bad", warning: "warn", info: "" };

/** @param {Finding[]} found */
const gravest = (found) => ORDER.find((one) => found.some((finding) => finding.severity === one)) ?? "info";

/** The gravest, and how many more there are, in a list; nothing where there are none. @param {Finding[] | undefined} found */
export function mark(found) {
  if (!found?.length) return null;
  const codes = found.map((one) => one.code).join(", ");
  const grave = gravest(found);
  const first = found.find((one) => one.severity === grave) ?? found[0];
  const more = found.length > 1 && [` +${found.length - 1}`, el("span", { class: "hidden-text" }, " findings")];
  return el("span", { class: `tag ${KINDS[/** @type {keyof KINDS} */ (grave)]}`, title: codes }, first.code, ...(more || []));
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

/** A text of the program's own: paragraphs, in which `…` is code and **…** is weighty. @param {string} text */
function paragraphs(text) {
  return text.split(/\n\s*\n/).filter(Boolean).map((part) => el("p", {}, ...inline(part)));
}

/** @param {string} text */
const inline = (text) => text.split("**").flatMap((part, at) => (at % 2 ? [el("b", {}, ...prose(part))] : prose(part)));

/** The long text about a code. @param {string} code */
async function explain(code) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("about"));
  /** @type {{ title: string, severity: string, rfc: string, happened: string, why: string, change: string, mends: { label: string, text: string }[] } | null} */
  const about = await get(`/page/findings/${encodeURIComponent(code)}`).catch(() => null);
  dialog.replaceChildren(...(about ? [
    el("h2", { id: "about-title", tabindex: -1, autofocus: true }, ...inline(about.title)),
    el("p", { class: "facts" }, el("code", {}, code), ` · ${about.severity} · ${about.rfc}`),
    el("h3", {}, "What happened"), ...paragraphs(about.happened), el("h3", {}, "Why"), ...paragraphs(about.why),
    el("h3", {}, "What to change"), ...paragraphs(about.change),
    el("ul", { class: "mends" }, ...about.mends.map((one) => el("li", {}, el("b", {}, `${one.label}:`), " ", ...inline(one.text))))]
    : [el("h2", { id: "about-title" }, code), el("p", {}, "Nothing more is known about it.")]),
  button("Close", { onclick: () => dialog.close() }));
  dialog.showModal();
  dialog.scrollTop = 0;
}

// @ts-check
// Begins the page: which view is shown, keys, the title, notifications, and the numbers in the bar.

import { ask, get } from "./api.js";
import { doorsView } from "./doors.js";
import { faultsView } from "./faults.js";
import { button, byId, calmly, el, people } from "./dom.js";
import * as live from "./live.js";
import { mailView } from "./mail.js";
import { talkView } from "./talk.js";

const main = byId("main");
let name = "";

/**
 * Writes where we are into the address, without going there. What somebody opens is a step that can be gone back; what
 * they type, and what happens by itself, is none.
 * @typedef {(path: string, given?: Record<string, string>, isStep?: boolean) => void} Go
 * @type {Go}
 */
function go(path, given = {}, isStep = false) {
  const query = new URLSearchParams(Object.entries(given).filter(([, value]) => value)).toString();
  const hash = `#${path}${query ? `?${query}` : ""}`;
  if (hash === location.hash) return;
  if (isStep) history.pushState(null, "", hash);
  else history.replaceState(null, "", hash);
}

const mail = mailView({ go });
/** @type {Record<string, { root: HTMLElement, show: (id: string, given: URLSearchParams) => void | Promise<void>, key: (event: KeyboardEvent) => boolean }>} */
const views = { mail, conversations: talkView({ go }), doors: doorsView(), faults: faultsView({ counted: (rules) => number("faulty", rules, "in force") }) };

/** Shows what the address says. */
function show() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [view, id] = path.split("/");
  const next = view in views ? view : "mail";
  name = next;
  for (const link of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("nav [data-view]"))) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const { root } = views[name];
  const put = () => { if (views[name].root === root && !root.isConnected) main.replaceChildren(root); };
  const ready = views[name].show(/^[0-9]+$/.test(id ?? "") ? id : "", new URLSearchParams(query ?? ""));
  // The list that came with the page stays until there is another.
  if (name === "mail" && main.querySelector(".first")) void Promise.resolve(ready).then(put, put);
  else put();
  title();
}

// --- numbers and the title ------------------------------------------------------------------------------------------

let unread = 0;

function title() {
  const what = { mail: "", conversations: "Conversations · ", doors: "Doors · ", faults: "Faults · " }[name] ?? "";
  document.title = `${unread ? `(${unread.toLocaleString("en")}) ` : ""}${what}doorpost`;
}

/** @param {string} id @param {number} number @param {string} label */
function number(id, number, label) {
  const shown = byId(id);
  shown.hidden = number === 0;
  shown.replaceChildren(number > 9999 ? `${Math.floor(number / 1000)}k` : String(number), el("span", { class: "hidden-text" }, ` ${label}`));
}

const statistics = calmly(120, async () => {
  const now = await get("/api/statistics").catch(() => null);
  if (!now) return;
  unread = now.unread;
  number("unread", unread, "unread");
  number("running", now.sessions.running, "running");
  title();
});

// --- notifications --------------------------------------------------------------------------------------------------

const notify = byId("notify");
if ("Notification" in window && Notification.permission === "default") notify.hidden = false;
notify.addEventListener("click", async () => { notify.hidden = (await Notification.requestPermission()) !== "default"; });

live.on("message", (/** @type {import("./api.js").Message} */ message) => {
  statistics();
  if (!document.hidden || !("Notification" in window) || Notification.permission !== "granted") return;
  const shown = new Notification(message.subject || "(no subject)", { body: `from ${people(message.from, message.envelope.reverse_path || "<>")}`, tag: "doorpost" });
  shown.onclick = () => { focus(); location.hash = `#/mail/${message.id}`; };
});
for (const kind of /** @type {live.Kind[]} */ (["session", "deleted", "changed", "anew"])) live.on(kind, statistics);

// Only for who came in by the form.
document.getElementById("leave")?.addEventListener("click", async () => {
  // Afterwards nothing that was promised could be done any more.
  await mail.settle();
  await ask("/sign-out", { method: "POST", redirect: "manual" }).catch(() => {});
  location.reload();
});

// --- keys -----------------------------------------------------------------------------------------------------------

const KEYS = [
  ["j", "k", "the next, the previous"], ["Enter", "", "read it"], ["Esc", "", "back"], ["/", "", "search"], ["x", "", "choose, for several at once"],
  ["#", "", "delete"], ["z", "", "take a deletion back"], ["u", "", "mark as unread"], ["1", "", "mail"], ["2", "", "conversations"], ["3", "", "doors"], ["4", "", "faults"], ["?", "", "these keys"],
];

const help = /** @type {HTMLDialogElement} */ (byId("help"));
help.append(el("h2", { id: "help-title" }, "Keys"), el("dl", {}, ...KEYS.flatMap(([one, two, text]) => [
  el("dt", {}, el("kbd", {}, one), two && " ", two && el("kbd", {}, two)), el("dd", {}, text)])),
  el("h2", {}, "Searching"),
  el("p", {}, el("code", {}, "from:alice subject:invoice"), " finds what has both, ", el("code", {}, "a OR b"), " one of them, ", el("code", {}, "-a"), " what has not, ", el("code", {}, "\"in a row\""), " a phrase, ", el("code", {}, "inv*"), " what begins so."),
  button("Close", { onclick: () => help.close() }));
// The address says what is shown: leading the keyboard to it is no way to somewhere else.
document.querySelector(".skip")?.addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
byId("help-button").addEventListener("click", () => help.showModal());

addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]") || target.closest("input, textarea, select")) return;
  if (target.closest("button, a, [role=tab]") && ["Enter", " "].includes(event.key)) return;
  const view = { 1: "#/mail", 2: "#/conversations", 3: "#/doors", 4: "#/faults" }[event.key];
  if (view) location.hash = view;
  else if (event.key === "?") help.showModal();
  else if (!views[name].key(event)) return;
  event.preventDefault();
});

addEventListener("hashchange", show);
show();
statistics();
live.follow();

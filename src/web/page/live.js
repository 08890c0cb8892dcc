// @ts-check
// Follows what happens and tells those who want to know. Whoever lost the thread is told to look anew, and whether
// doorpost was started anew meanwhile: nothing that was known of its messages holds then.

import { askAgain, get } from "./api.js";
import { byId } from "./dom.js";
import { stream } from "./stream.js";

/** @typedef {"message" | "session" | "finding" | "deleted" | "changed" | "anew"} Kind */
/** @typedef {(data: any) => void} Listener */

/** @type {Map<Kind, Set<Listener>>} */
const listeners = new Map();

/** @param {Kind} kind @param {any} data */
function tell(kind, data) {
  for (const listener of listeners.get(kind) ?? []) listener(data);
}

/** Calls it for every event of the kind; what it returns ends that. @param {Kind} kind @param {Listener} listener */
export function on(kind, listener) {
  const all = listeners.get(kind) ?? new Set();
  listeners.set(kind, all.add(listener));
  return () => { all.delete(listener); };
}

/** @param {string} state @param {string} text */
function show(state, text) {
  const shown = byId("live");
  if (shown.dataset.state === state) return;
  shown.dataset.state = state;
  shown.textContent = text;
}

/** The name of the start of doorpost whose names and numbers the page shows. */
let run = "";

/**
 * Whether that start still answers. Names of messages may begin anew with each, so that another would take what is asked
 * about one message for what is asked about another.
 */
export async function isSameStart() {
  const now = (await get("/api/statistics")).run;
  run ||= now;
  return now === run;
}

/** Whether what happens is heard of. */
export const isOn = () => byId("live").dataset.state === "on";

/** @param {import("./stream.js").Word} word */
function hear({ kind, data }) {
  if (kind === "on") {
    const isOther = run !== "" && run !== data;
    run = data;
    show("on", "live");
    // What happened before this was not heard of; looking again costs little.
    tell("anew", { isOther });
  } else if (kind === "off") show("off", "not connected");
  else if (kind === "out") askAgain();
  else tell(/** @type {Kind} */ (kind), kind === "anew" ? { isOther: false } : data);
}

/** Begins, and goes on as long as the page is there. */
export function follow() {
  // Old ones, and those on some phones.
  if (!("SharedWorker" in window)) { stream(hear); return; }
  const worker = new SharedWorker("/page/stream.js", { type: "module", name: "doorpost" });
  worker.port.onmessage = (event) => hear(event.data);
  worker.onerror = () => { worker.port.close(); stream(hear); };
  addEventListener("pagehide", () => worker.port.postMessage("gone"), { once: true });
  // A page that a browser has kept and brings back has said that it goes.
  addEventListener("pageshow", (event) => { if (event.persisted) follow(); }, { once: true });
}

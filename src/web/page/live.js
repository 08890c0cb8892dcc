// @ts-check
// Follows what happens and tells those who want to know. Whoever lost the thread is told to look anew.

import { byId } from "./dom.js";

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

/** Begins, and goes on whenever the connection was lost. */
export function follow() {
  const open = () => {
    const source = new EventSource("/api/events");
    for (const kind of /** @type {Kind[]} */ (["message", "session", "finding", "deleted", "changed"])) {
      source.addEventListener(kind, (event) => tell(kind, JSON.parse(event.data)));
    }
    for (const kind of ["reset", "too-slow"]) source.addEventListener(kind, () => tell("anew", null));
    source.addEventListener("open", () => {
      show("on", "live");
      // What happened before this was not heard of; looking again costs little.
      tell("anew", null);
    });
    source.addEventListener("error", () => {
      show("off", "not connected");
      if (source.readyState === EventSource.CLOSED) setTimeout(open, 2000);
    });
  };
  open();
}

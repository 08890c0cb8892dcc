// @ts-check
// Deletions that can be taken back for some seconds: what is promised is hidden at once, and carried out when nobody took
// it back, or when the page goes away. It is bounded by names that the server gave, never by the browser's clock.

import { address, ask, remove, removeAtLast } from "./api.js";
import { many, toast } from "./dom.js";
import * as live from "./live.js";

/** Seconds in which a deletion can be taken back. */
const UNDO = 6;

/**
 * What a list shows: all that a query finds in an inbox.
 * @typedef {{ query: string, inbox: string }} View
 * Everything of a view up to a message.
 * @typedef {View & { upTo: string }} Sweep
 * @typedef {{ view: View, ids: string[], sweeps: Sweep[], count: number, isGoing: boolean, notice: { close: () => void } }} Promised
 */

/** @param {Sweep} sweep */
const path = ({ query, inbox, upTo }) => address("/api/messages", { query, inbox, all: query || inbox ? "" : true, up_to: upTo });

/** Whether one view has all that another has. @param {View} one @param {View} other */
const covers = (one, other) => (!one.query || one.query === other.query) && (!one.inbox || one.inbox === other.inbox);

/** @param {{ back: () => void }} list what to do when messages are back */
export function deletions({ back }) {
  /** In their order. @type {Set<Promised>} */
  const all = new Set();
  /** Those that are named one by one. @type {Set<string>} */
  const hidden = new Set();

  /** @param {Promised} one */
  function forget(one) {
    one.notice.close();
    all.delete(one);
    for (const id of one.ids) hidden.delete(id);
  }

  /** @param {View} view @param {string[]} ids @param {Sweep[]} sweeps @param {number} count */
  function promise(view, ids, sweeps, count) {
    for (const id of ids) hidden.add(id);
    const notice = toast(`${many(count, "message")} deleted.`, {
      seconds: UNDO, label: "Undo", action: () => { forget(one); back(); }, over: () => void carryOut(one),
    });
    /** @type {Promised} */
    const one = { view, ids, sweeps, count, isGoing: false, notice };
    all.add(one);
  }

  /** @param {Promised} one */
  async function carryOut(one) {
    one.isGoing = true;
    one.notice.close();
    try {
      // Another has told the page already, or will: nothing is left of what was meant.
      if (!(await live.isSameStart()) || !all.has(one)) return;
      await Promise.all([remove(one.ids), ...one.sweeps.map((sweep) => ask(path(sweep), { method: "DELETE" }))]);
      forget(one);
    } catch (error) {
      toast(String(error instanceof Error ? error.message : error));
      forget(one);
      back();
    }
  }

  addEventListener("pagehide", () => {
    if (!live.isOn()) return;
    for (const one of all) {
      removeAtLast(one.ids);
      for (const sweep of one.sweeps) void fetch(path(sweep), { method: "DELETE", keepalive: true });
    }
    all.clear();
  });

  return {
    /** @param {string} id */
    hides: (id) => hidden.has(id),
    /** The message up to which nothing is left in a view. @param {View} view */
    floor(view) {
      const sweeps = [...all].flatMap((one) => one.sweeps).filter((sweep) => covers(sweep, view));
      return Math.max(0, ...sweeps.map((sweep) => Number(sweep.upTo)));
    },
    /** How many of a view are hidden behind a message. @param {View} view @param {number} since */
    count(view, since) {
      const within = [...all].filter((one) => covers(view, one.view));
      return within.flatMap((one) => one.ids).filter((id) => Number(id) > since).length;
    },
    /** Messages one by one. @param {View} view @param {string[]} ids */
    leave(view, ids) { promise(view, ids, [], ids.length); },
    /** All of a view up to a message. What was promised before can only be taken back together with it. @param {View} view @param {string} upTo @param {number} count */
    sweep(view, upTo, count) {
      const before = [...all].filter((one) => !one.isGoing);
      before.forEach(forget);
      promise(view, before.flatMap((one) => one.ids), [...before.flatMap((one) => one.sweeps), { ...view, upTo }], before.reduce((sum, one) => sum + one.count, count));
    },
    /** Takes back what was promised last. */
    undo() {
      const last = [...all].filter((one) => !one.isGoing).pop();
      if (last) { forget(last); back(); }
    },
    /** Carries everything out now. */
    carryOut: () => Promise.all([...all].map(carryOut)),
    /** Lets everything go: doorpost was started anew, and names mean other messages. */
    drop() {
      if (all.size) toast("Doorpost was started anew: what was not deleted yet is left as it is.");
      for (const one of [...all]) forget(one);
    },
  };
}

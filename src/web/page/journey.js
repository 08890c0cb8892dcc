// @ts-check
// The journey of a message: its doors, its hops, its bounces; and what can be done to send it on or have it come back.

import { ask, get } from "./api.js";
import { button, el, exactly, toast } from "./dom.js";

/**
 * @typedef {{ message: string, at: string, door: string, session: string | null, auth_user: string | null, protocol: string,
 *   reverse_path: string, forward_paths: string[], subject: string | null, is_bounce: boolean }} Stop
 * @typedef {{ id: string, reason: string, state: string, target: string, created_at: string, next_at: string, tries: number,
 *   recipients: { path: string, standing: string, said: string | null }[],
 *   attempts: { at: string, session: string | null, outcome: string, reply_lost: boolean }[] }} Hop
 */

/** Why a message is on its way, in words. @type {Record<string, string>} */
const REASONS = {
  route: "goes on by a route", release: "was released", report: "a report about it", complaint: "a complaint about it",
  "auto-reply": "an answer by a machine",
};

/** The panel of a message. @param {string} id */
export function journeyPanel(id) {
  return (/** @type {HTMLElement} */ panel) => {
    const way = el("ol", { class: "journey" });
    const load = async () => {
      try {
        const { stops, hops } = await get(`/api/messages/${id}/journey`);
        const all = [
          ...stops.map((/** @type {Stop} */ stop) => ({ at: stop.at, row: stopRow(stop, id) })),
          ...hops.map((/** @type {Hop} */ hop) => ({ at: hop.created_at, row: hopRow(hop, load) })),
        ];
        all.sort((one, other) => one.at.localeCompare(other.at));
        way.replaceChildren(...all.map((one) => one.row));
      } catch (error) {
        way.replaceChildren(el("li", {}, error instanceof Error ? error.message : "It could not be read."));
      }
    };
    panel.append(releaseForm(id, load), reports(id, load), way);
    void load();
  };
}

/** @param {string} path @param {object} body @param {() => void} then @param {string} said */
async function post(path, body, then, said) {
  try {
    await ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    toast(said);
    // What is sent at once is there in a moment.
    setTimeout(then, 600);
    setTimeout(then, 3000);
  } catch (error) {
    toast(error instanceof Error ? error.message : "That could not be done.", { seconds: 12 });
  }
}

/** @param {string} id @param {() => void} load */
function releaseForm(id, load) {
  const to = el("input", { "aria-label": "Release to", placeholder: "smtp://127.0.0.1:2500", size: 30, maxlength: 2000, required: true, spellcheck: "false" });
  const rcpt = el("input", { "aria-label": "Recipient in place of the envelope's", placeholder: "to its own recipients", size: 22, maxlength: 320, spellcheck: "false" });
  return el("form", { class: "tools", onsubmit: (/** @type {Event} */ event) => {
    event.preventDefault();
    const whom = rcpt.value.trim();
    void post(`/api/messages/${id}/release`, { to: to.value.trim(), rcpt: whom ? [whom] : [] }, load, "It is on its way");
  } }, to, rcpt, el("button", { type: "submit" }, "Release"));
}

/** @param {string} id @param {() => void} load */
function reports(id, load) {
  const one = (/** @type {string} */ label, /** @type {object} */ body) =>
    button(label, { class: "plain", onclick: () => void post(`/api/messages/${id}/report`, body, load, "It comes by SMTP through relay") });
  return el("div", { class: "tools", role: "group", "aria-label": "Have it come back" },
    one("Bounce it", { kind: "status", action: "failed" }), one("Say it is delayed", { kind: "status", action: "delayed" }),
    one("Complain", { kind: "complaint" }), one("Out of office", { kind: "out-of-office" }));
}

/** @param {Stop} stop @param {string} own */
function stopRow(stop, own) {
  const name = stop.message === own ? el("b", {}, "this message") : el("a", { href: `#/mail/${stop.message}` }, stop.subject || `message ${stop.message}`);
  return el("li", { class: stop.is_bounce ? "bad" : "" },
    el("time", { datetime: stop.at, class: "soft" }, exactly(stop.at)), " ", el("a", { href: "#/doors" }, stop.door), " took ", name,
    stop.is_bounce && " (a bounce)", " by ", stop.protocol, stop.auth_user && ` from ${stop.auth_user}`,
    ": ", el("code", {}, `<${stop.reverse_path}>`), " → ", el("code", {}, stop.forward_paths.slice(0, 10).join(", ")), " ",
    stop.session && el("a", { href: `#/conversations/${stop.session}` }, "conversation"));
}

/** @param {Hop} hop @param {() => void} load */
function hopRow(hop, load) {
  const waits = hop.state === "waiting";
  const act = (/** @type {string} */ path, /** @type {string} */ method) => async () => {
    try {
      await ask(path, { method });
    } catch (error) {
      toast(error instanceof Error ? error.message : "That could not be done.");
    }
    setTimeout(load, 600);
  };
  return el("li", { class: hop.state === "failed" ? "bad" : "" },
    el("time", { datetime: hop.created_at, class: "soft" }, exactly(hop.created_at)), ` ${REASONS[hop.reason] ?? hop.reason}: ${hop.state}, to `, el("code", {}, hop.target),
    waits && ` at ${exactly(hop.next_at)} `,
    waits && button("Now", { class: "plain", onclick: act(`/api/queue/${hop.id}/retry`, "POST") }),
    waits && button("Take out", { class: "plain", onclick: act(`/api/queue/${hop.id}`, "DELETE") }),
    el("ul", {}, ...hop.attempts.map((one) => el("li", { class: one.reply_lost ? "bad" : "" }, el("time", { datetime: one.at, class: "soft" }, exactly(one.at)), ` ${one.outcome} `,
      one.session && el("a", { href: `#/conversations/${one.session}` }, "conversation")))));
}

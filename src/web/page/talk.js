// @ts-check
// The view of the conversations: every session, and what both sides said, with the time between the lines.

import { ask, address, get, Problem } from "./api.js";
import { button, calmly, copyButton, el, exactly, many, moment, sign, span } from "./dom.js";
import { extensions } from "./extensions.js";
import { mark, note, notes } from "./findings.js";
import * as live from "./live.js";
import { meaning } from "./meaning.js";
import { Rows } from "./rows.js";
import { searchField } from "./search.js";

/** @typedef {import("./api.js").Session} Session */

/** How often a session that runs is looked at. */
const LOOK = 500;

const doors = async () => (await get("/api/doors")).doors.map((/** @type {{ name: string }} */ one) => one.name);

/** @type {import("./search.js").Key[]} */
const KEYS = [
  { name: "is", finds: "running, ended, refused or tls", values: () => ["running", "ended", "refused", "tls"] },
  { name: "door", finds: "the name of the door", values: doors },
  { name: "code", finds: "a reply code, or all of 5xx", values: () => ["5xx", "4xx", "535", "550", "530", "421"] },
  { name: "finding", finds: "what doorpost found wrong", values: async () => (await get("/api/findings/codes")).codes.map((/** @type {{ code: string }} */ one) => one.code) },
  { name: "user", finds: "who had logged in" },
  { name: "client", finds: "an address or a network" },
  { name: "hello", finds: "words in HELO or EHLO" },
  { name: "envelope", finds: "words in a path of the envelope" },
  { name: "message", finds: "the number of a message it brought" },
  { name: "after", finds: "began since a day, a time, or 1h ago", values: () => ["10m", "1h", "1d", "7d"] },
  { name: "before", finds: "began before", values: () => ["1h", "1d", "7d"] },
  { name: "id", finds: "the number of the session" },
];

/** How a session went, in a few words. @param {Session} session @returns {{ kind: string, text: string }} */
function outcome(session) {
  const kept = session.transactions.filter((one) => one.verdict === "kept").length;
  const refusal = session.last_refusal?.reply ?? session.transactions.find((one) => one.reply)?.reply;
  if (!session.ended) return { kind: "running", text: "running" };
  if (refusal) return { kind: "bad", text: `${kept ? `${kept} kept, but ` : ""}${refusal.code} ${refusal.text.split("\n")[0]}` };
  if (!["quit", "closed-by-client"].includes(session.ended.code)) return { kind: "bad", text: session.ended.text };
  // Of more transactions than these only the messages are counted.
  if (session.transactions.length >= 100 && session.messages > 100) return { kind: "good", text: `${many(session.messages, "message")} sent` };
  return kept ? { kind: "good", text: `${many(kept, "message")} kept` } : { kind: "soft", text: session.messages ? "not kept" : "no mail" };
}

/** @param {{ go: import("./app.js").Go }} frame */
export function talkView({ go }) {
  let query = "";
  let shown = "";
  let timer = 0;
  let explained = false;
  /** What of a session the timeline shows, in short. */
  let drawn = "";

  const search = searchField({ id: "talk-search", label: "Search conversations", keys: KEYS, ask: (text) => { query = text; moved(); void rows.reload(); } });
  const count = el("span", { class: "total" });
  const refused = button("Only the failed", { class: "plain", onclick: () => { search.set(query === "is:refused" ? "" : "is:refused", true); } });
  /** @type {Rows<Session>} */
  const rows = new Rows({
    label: "Conversations", height: 58, several: false, dense: () => !query,
    load: async (range, signal) => {
      const { sessions, next, total, total_is_exact } = await get(address("/api/sessions", { query, ...range }), signal);
      search.right();
      return { entries: sessions, next, total, isExact: total_is_exact };
    },
    draw, open: (session) => open(session.id),
    counted: (total, isExact) => { count.textContent = `${isExact ? "" : "over "}${many(total, "conversation")}`; },
    failed: (error) => search.fail(error instanceof Problem ? error.details : { status: 0, detail: "doorpost does not answer" }),
    empty: () => query ? el("p", {}, "No conversation matches.") : el("div", {}, el("h2", {}, "Nobody has called yet"), el("p", {}, "Each connection to a door is written down here, also one that fails.")),
  });
  const nothing = () => el("div", { class: "blank" }, el("p", {}, "Choose a conversation to see what both sides said."));
  const pane = el("section", { class: "pane talk-pane", "aria-label": "Conversation", tabindex: -1 }, nothing());
  const root = el("div", { class: "two talk" },
    el("section", { class: "side", "aria-label": "List of conversations" }, search.root, el("div", { class: "tools" }, el("div", { class: "usual" }, count, refused)), rows.root), pane);

  /** @param {Session} session @param {HTMLElement} row */
  function draw(session, row) {
    const { kind, text } = outcome(session);
    row.append(
      el("span", { class: `dot ${kind}`, "aria-hidden": "true" }),
      el("span", { class: "who" }, session.hello?.name ?? session.peer),
      el("time", { datetime: session.connected_at }, moment(session.connected_at)),
      el("span", { class: `subject ${kind}` }, text),
      el("span", { class: "marks" }, mark(session.findings) ?? (session.notes.length > 0 && el("span", { class: "tag warn" }, session.notes[0])),
        session.tls && el("span", { class: "secure" }, "TLS"), el("span", { class: "door-name" }, session.door)));
  }

  /** @param {boolean} [isStep] whether the way back leads to where one is now */
  function moved(isStep) {
    go(shown ? `/conversations/${shown}` : "/conversations", { q: query }, isStep);
  }

  /** @param {string} id */
  function open(id) {
    shown = id;
    moved(true);
    void rows.goTo(shown || null);
    void show();
  }

  async function show() {
    clearTimeout(timer);
    root.classList.toggle("reading", shown !== "");
    drawn = "";
    if (!shown) { pane.replaceChildren(nothing()); return; }
    await look(shown);
  }

  /** @param {string} id */
  async function look(id) {
    clearTimeout(timer);
    try {
      const session = /** @type {Session} */ (await get(`/api/sessions/${id}`));
      if (id !== shown) return;
      const { transcript, omitted_lines: omitted, findings, transactions, ended } = session;
      const now = [transcript?.length, omitted, findings?.length, transactions.length, session.messages, ended?.code].join();
      if (now !== drawn) timeline(session);
      drawn = now;
      if (!session.ended && root.isConnected) timer = setTimeout(() => void look(id), LOOK);
    } catch (error) {
      if (id !== shown) return;
      pane.replaceChildren(el("div", { class: "blank" }, el("p", {}, error instanceof Problem && error.details.status === 404 ? "This conversation is not kept any more." : "The conversation could not be read."), button("Close", { onclick: () => open("") })));
    }
  }

  /** @param {Session} session */
  function timeline(session) {
    const { kind, text } = outcome(session);
    const { tls, auth } = session;
    const isBelow = pane.scrollTop > 0 && pane.scrollTop + pane.clientHeight > pane.scrollHeight - 40;
    const top = drawn === "" ? 0 : pane.scrollTop;
    const explain = button("Explain", { class: "plain", "aria-pressed": String(explained), title: "say what each line means", onclick: () => {
      explained = !explained;
      explain.setAttribute("aria-pressed", String(explained));
      list.classList.toggle("explained", explained);
    } });
    const list = lines(session);
    list.classList.toggle("explained", explained);
    const brought = session.transactions.filter((one) => one.message);
    pane.replaceChildren(
      el("header", { class: "letter-head" },
        el("div", { class: "actions", role: "group", "aria-label": "Conversation" }, button("‹ List", { class: "plain narrow-only", onclick: () => open("") }), explain, el("span", { class: "gap" }),
          copyButton(async () => (await ask(`/api/sessions/${session.id}/transcript`)).text(), "Copy as text", { class: "plain" })),
        el("h2", { tabindex: -1 }, `Conversation ${session.id}`, el("span", { class: `outcome ${kind}` }, text)),
        el("p", { class: "facts" }, el("time", { datetime: session.connected_at }, exactly(session.connected_at)), " · ", el("a", { href: "#/doors" }, session.door), ` · ${session.peer} → ${session.local}`,
          session.hello && ` · ${session.hello.extended ? "EHLO" : "HELO"} ${session.hello.name}`, " · ",
          tls ? el("span", { class: "secure" }, `${tls.version.replace("TLSv", "TLS ")}, ${tls.cipher.replace(/^TLS13_/, "")}${tls.sni ? `, for ${tls.sni}` : ""}`) : el("span", { class: "clear" }, "in the clear"),
          auth && ` · ${auth.user} by ${auth.mechanism}`),
        brought.length > 0 && el("p", { class: "facts" }, "Brought ", ...brought.slice(0, 20).flatMap((one, at) => [at ? ", " : "", el("a", { href: `#/mail/${one.message}` }, `message ${one.message}`)]), brought.length > 20 && ` and ${brought.length - 20} more`),
        notes("Findings about the whole conversation", (session.findings ?? []).filter((one) => !hasLine(session, one)))),
      list);
    if (isBelow && !session.ended) pane.scrollTop = pane.scrollHeight;
    else pane.scrollTop = top;
  }

  const arrive = calmly(80, () => void rows.look());
  live.on("session", (session) => {
    rows.update(session);
    arrive();
    if (session.id === shown) void look(shown);
  });
  live.on("finding", ({ session }) => { if (session === shown) void look(shown); });
  live.on("anew", ({ isOther }) => {
    if (!isOther) { rows.refresh(); if (shown) void look(shown); return; }
    void rows.reload();
    void show();
  });

  return {
    root,
    /** @param {string} id @param {URLSearchParams} given */
    show(id, given) {
      const q = given.get("q") ?? "";
      const isOther = q !== query || !rows.isLoaded;
      query = q;
      shown = id;
      search.set(q, false);
      rows.mark(shown || null);
      if (isOther) void rows.reload().then(() => rows.goTo(shown || null));
      else void rows.look().then(() => rows.goTo(shown || null));
      void show();
    },
    /** @param {KeyboardEvent} event */
    key(event) {
      const { key } = event;
      const inList = rows.box.contains(document.activeElement);
      const walk = (/** @type {number} */ step) => { const next = rows.beside(step); if (next) open(next.id); };
      if (key === "/") { search.field.focus(); search.field.select(); }
      else if (key === "j" || (key === "ArrowDown" && inList)) walk(1);
      else if (key === "k" || (key === "ArrowUp" && inList)) walk(-1);
      else if (key === "Enter" && document.activeElement === rows.box) { if (!shown) walk(0); /** @type {HTMLElement | null} */ (pane.querySelector("h2"))?.focus(); }
      else if (key === "Escape" && shown) { open(""); rows.box.focus(); }
      else return false;
      return true;
    },
  };
}

/** @param {Session} session @param {import("./api.js").Finding} finding */
const hasLine = (session, finding) => finding.line !== null && finding.line < (session.transcript?.length ?? 0);

/** What both sides said. @param {Session} session */
function lines(session) {
  const list = el("ol", { class: "lines", "aria-label": "What was said" });
  let before = 0;
  let isSecure = false;
  let command = "";
  for (const [at, line] of (session.transcript ?? []).entries()) {
    const gap = line.at_us - before;
    before = line.at_us;
    const is = line.kind;
    if (is === "client") command = line.text;
    const who = { client: "client", server: "doorpost" }[is] ?? "";
    const means = meaning(is, line.text, command);
    if (line.tls && !isSecure) list.append(el("li", { class: "turn" }, sign("M4 7h8v6.5H4zM5.7 7V4.8a2.3 2.3 0 0 1 4.6 0V7", "lock"), " from here on under TLS"));
    isSecure = line.tls;
    const kind = is === "server" && /^[45]/.test(line.text) ? " bad" : is === "end" && session.ended && !["quit", "closed-by-client"].includes(session.ended.code) ? " bad" : "";
    list.append(el("li", { class: `line ${is}${line.tls ? " secured" : ""}${kind}` },
      el("span", { class: gap > 1e6 ? "at slow" : "at", title: `${span(line.at_us)} after the connection` }, gap < 100 && before > 0 ? "" : `+${span(gap)}`),
      who ? el("span", { class: "side-name" }, who) : el("span", { class: "side-name" }, { note: "noticed", data: "mail data", fault: "fault" }[is] ?? is),
      el("span", { class: "said", title: means ? `${means.text} (${means.where})` : undefined },
        ...(is === "server" && /^250[ -]/.test(line.text) && /^EHLO\b/i.test(command) ? extensions(line.text)
          : is === "fault" ? [el("a", { href: "#/faults" }, line.text.replace(/^fault: /, ""))]
            : line.text.split("\n").flatMap((part, at) => (at ? [el("br"), part] : [part])))),
      means && el("span", { class: "means" }, means.text, " ", el("cite", {}, means.where)),
      ...(session.findings ?? []).filter((one) => one.line === at).map(note)));
  }
  if (session.omitted_lines) list.append(el("li", { class: "turn running" }, `${many(session.omitted_lines, "more line")} not kept`));
  if (!session.ended) list.append(el("li", { class: "turn running" }, "still running…"));
  return list;
}

// @ts-check
// The view of the mail: the list, search, inboxes, several at once, deleting with a way back, the keyboard.

import { Problem, address, ask, get, patch } from "./api.js";
import { deletions } from "./deletions.js";
import { button, calmly, el, many, moment, people, say, sign, toast } from "./dom.js";
import { mark as found } from "./findings.js";
import * as live from "./live.js";
import { reader } from "./message.js";
import { Rows } from "./rows.js";
import { searchField } from "./search.js";

/** @typedef {import("./api.js").Message} Message */

const names = (/** @type {string} */ path, /** @type {string} */ list) => async () =>
  (await get(path))[list].map((/** @type {{ name: string }} */ one) => one.name);

/** @type {import("./search.js").Key[]} */
const KEYS = [
  { name: "from", finds: "words in From" },
  { name: "to", finds: "words in To" },
  { name: "subject", finds: "words in Subject" },
  { name: "is", finds: "read, unread or bounce", values: () => ["read", "unread", "bounce"] },
  { name: "has", finds: "attachment", values: () => ["attachment"] },
  { name: "tag", finds: "a tag", values: names("/api/tags", "tags") },
  { name: "inbox", finds: "the inbox it is in", values: names("/api/inboxes", "inboxes") },
  { name: "door", finds: "the door that took it", values: names("/api/doors", "doors") },
  { name: "user", finds: "who had logged in" },
  { name: "rcpt", finds: "words in a forward-path" },
  { name: "envelope", finds: "words in any path of the envelope" },
  { name: "cc", finds: "words in Cc" },
  { name: "bcc", finds: "words in Bcc" },
  { name: "reply-to", finds: "words in Reply-To" },
  { name: "header", finds: "header:X-Name:value" },
  { name: "message-id", finds: "the Message-ID" },
  { name: "larger", finds: "more octets than 10k or 1.5MB" },
  { name: "smaller", finds: "fewer octets" },
  { name: "after", finds: "since a day, a time, or 1h ago", values: () => ["10m", "1h", "1d", "7d"] },
  { name: "before", finds: "before a day, a time, or 1h ago", values: () => ["1h", "1d", "7d"] },
  { name: "id", finds: "the number of the message" },
];

/** A number, and the word that is left out where there is no room. @param {number} total */
function worded(total) {
  const [number, word] = many(total, "message").split(" ");
  return [number, el("span", { class: "word" }, ` ${word}`)];
}

/** @param {{ go: import("./app.js").Go }} frame */
export function mailView({ go }) {
  /** @type {Set<string>} */
  const chosen = new Set();
  const gone = deletions({ back: () => void rows.reload() });
  let query = "";
  let inbox = "";
  let shown = "";

  const search = searchField({ id: "mail-search", label: "Search mail", keys: KEYS, ask: (text) => { query = text; moved(); void rows.reload(); } });
  const chooser = el("select", { "aria-label": "Inbox", onchange: () => { inbox = chooser.value; moved(); void rows.reload(); } }, el("option", { value: "" }, "All inboxes"));
  const count = el("span", { class: "total" });
  const several = el("div", { class: "several", role: "group", "aria-label": "Chosen messages", hidden: true });
  const usual = el("div", { class: "usual" }, chooser, count, button("Read all", { class: "plain", onclick: () => void markAll() }), button("Delete all", { class: "plain", onclick: () => void deleteAll() }));

  /** @type {Rows<Message>} */
  const rows = new Rows({
    label: "Messages", height: 58, several: true, dense: () => !query && !inbox,
    load: async ({ cursor, since, limit }, signal) => {
      const view = { query, inbox };
      const behind = Math.max(gone.floor(view), Number(since ?? 0));
      for (;;) {
        const page = await get(address("/api/messages", { ...view, cursor, since: behind || "", limit }), signal);
        const entries = page.messages.filter((/** @type {Message} */ one) => !gone.hides(one.id));
        cursor = page.next;
        // Where all of a page is hidden, the list goes on below it.
        if (!entries.length && cursor) continue;
        search.right();
        return { entries, next: cursor ?? null, total: page.total - gone.count(view, behind), isExact: page.total_is_exact };
      }
    },
    draw, open: (message) => open(message.id, true),
    counted: (total, isExact) => { count.replaceChildren(isExact ? "" : "over ", ...worded(total)); },
    failed: (error) => search.fail(error instanceof Problem ? error.details : { status: 0, detail: "doorpost does not answer" }),
    empty: () => query || inbox
      ? el("p", {}, "Nothing here matches.")
      : el("div", {}, el("h2", {}, "No mail yet"), el("p", {}, "Send something to one of the doors. It appears here at once, and goes on only where you say so."), el("p", {}, el("a", { href: "#/doors" }, "Settings for your program"))),
  });

  const pane = reader({
    close: () => open("", true), step: (step) => move(step), remove: (id) => leave([id]),
    changed: (message) => rows.update(message),
  });
  const root = el("div", { class: "two mail" },
    el("section", { class: "side", "aria-label": "List of messages" }, search.root, el("div", { class: "tools" }, usual, several), rows.root), pane.root);

  /** @param {Message} message @param {HTMLElement} row */
  function draw(message, row) {
    const who = people(message.from, message.envelope.reverse_path || "<>");
    const to = people(message.to, message.envelope.forward_paths.map((one) => one.path).join(", "));
    row.classList.toggle("new", !message.read);
    row.setAttribute("aria-selected", String(chosen.has(message.id)));
    row.append(
      el("span", { class: "pick", "aria-hidden": "true", onclick: (/** @type {Event} */ event) => { event.stopPropagation(); pick(message.id); } }),
      el("span", { class: "who" }, message.read ? null : el("span", { class: "hidden-text" }, "unread, "), who, el("span", { class: "soft" }, " to ", to)),
      el("time", { datetime: message.received_at }, moment(message.received_at)),
      el("span", { class: "subject" }, message.subject || "(no subject)"),
      el("span", { class: "marks" },
        ...message.tags.slice(0, 2).map((tag) => el("span", { class: "tag" }, tag)),
        found(message.findings),
        message.is_bounce && el("span", { class: "tag bad" }, "bounce"),
        message.has_attachment && sign("M13 7.5 8 12.4a3 3 0 0 1-4.3-4.3l5.5-5.3a2 2 0 0 1 2.8 2.9L6.6 11", "has attachments"),
        el("span", { class: "door-name" }, message.door)));
  }

  /** @param {boolean} [isStep] whether the way back leads to where one is now */
  function moved(isStep) {
    go(shown ? `/mail/${shown}` : "/mail", { q: query, inbox }, isStep);
  }

  /** @param {string} id @param {boolean} [isStep] */
  function open(id, isStep) {
    shown = id;
    moved(isStep);
    void rows.goTo(shown || null);
    show();
  }

  function show() {
    root.classList.toggle("reading", shown !== "");
    void pane.show(shown);
  }

  /** @param {number} step */
  function move(step) {
    const next = rows.beside(step);
    if (next) open(next.id, true);
  }

  /** @param {string} id */
  function pick(id) {
    if (!chosen.delete(id)) chosen.add(id);
    chose();
  }

  function chose() {
    for (const [id, row] of rows.drawn) row.setAttribute("aria-selected", String(chosen.has(id)));
    root.classList.toggle("choosing", chosen.size > 0);
    usual.hidden = chosen.size > 0;
    several.hidden = chosen.size === 0;
    if (!chosen.size) return;
    const all = () => [...chosen];
    several.replaceChildren(el("b", {}, `${chosen.size} chosen`),
      button("Read", { class: "plain", onclick: () => void mark(all(), { read: true }) }),
      button("Unread", { class: "plain", onclick: () => void mark(all(), { read: false }) }),
      button("Tag…", { class: "plain", onclick: () => tagChosen() }),
      button("Delete", { class: "plain", onclick: () => leave(all()) }),
      button("None", { class: "plain", onclick: () => { chosen.clear(); chose(); } }));
  }

  function tagChosen() {
    const field = el("input", { "aria-label": "Tag for the chosen messages", placeholder: "tag", maxlength: 100 });
    const form = el("form", { class: "tagging", onsubmit: (/** @type {Event} */ event) => {
      event.preventDefault();
      const tag = field.value.trim();
      if (tag) void mark([...chosen], { add_tags: [tag] });
      chose();
    } }, field, el("button", { class: "plain" }, "Add tag"));
    several.append(form);
    field.focus();
  }

  /** @param {string[]} ids @param {object} change */
  async function mark(ids, change) {
    for (const id of ids) {
      try {
        rows.update(await patch(`/api/messages/${id}`, change));
      } catch (error) {
        // What is gone needs no mark; the others do.
        if (error instanceof Problem && error.details.status === 404) continue;
        toast(String(error instanceof Error ? error.message : error));
        return;
      }
    }
  }

  async function markAll() {
    await ask(address("/api/messages", query || inbox ? { query, inbox } : { all: true }), {
      method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ read: true }),
    }).catch((error) => toast(error.message));
  }

  /** Hides them now, and deletes them when nobody took it back. @param {string[]} ids */
  function leave(ids) {
    const next = ids.includes(shown) ? (rows.beside(1) ?? rows.beside(-1)) : null;
    const wasShown = ids.includes(shown);
    const had = [several, pane.root].some((one) => one.contains(document.activeElement));
    gone.leave({ query, inbox }, ids);
    for (const id of ids) chosen.delete(id);
    rows.drop((one) => gone.hides(one.id));
    void rows.look();
    chose();
    if (wasShown) open(next && !gone.hides(next.id) ? next.id : "");
    // The button that was pressed is not there any more.
    if (had) (shown ? pane.root : rows.box).focus();
  }

  /** What is here now; not what comes in the meantime. */
  async function deleteAll() {
    if (!rows.total || rows.newest === undefined) return;
    gone.sweep({ query, inbox }, rows.newest, rows.total);
    rows.drop(() => true);
    void rows.reload();
    open("");
  }

  // --- live -----------------------------------------------------------------------------------------------------------

  const arrive = calmly(60, () => void rows.look());
  const inboxes = calmly(300, async () => {
    const { inboxes: all, outside } = await get("/api/inboxes").catch(() => ({ inboxes: [], outside: 0 }));
    const options = all.map((/** @type {any} */ one) => el("option", { value: one.name }, `${one.name} (${one.unread ? `${one.unread} of ${one.messages} unread` : one.messages})`));
    if (inbox && !all.some((/** @type {any} */ one) => one.name === inbox)) options.push(el("option", { value: inbox }, inbox));
    chooser.replaceChildren(el("option", { value: "" }, all.length ? "All inboxes" : "All mail"), ...options);
    chooser.value = inbox;
    chooser.hidden = !all.length && !outside && !inbox;
  });
  live.on("message", (message) => {
    arrive();
    inboxes();
    if (!document.hidden) say(`New mail: ${message.subject || "no subject"}`);
  });
  live.on("deleted", ({ ids, up_to: last }) => {
    const named = new Set(ids);
    const isGone = (/** @type {string} */ id) => named.has(id) || (last !== undefined && Number(id) <= Number(last));
    rows.drop((one) => isGone(one.id));
    // Some may lie above the run, or below.
    arrive();
    const before = chosen.size;
    for (const id of [...chosen].filter(isGone)) chosen.delete(id);
    if (chosen.size !== before) chose();
    if (shown && isGone(shown)) open("");
    inboxes();
  });
  /** @type {Set<string>} */
  const changed = new Set();
  const look = calmly(60, async () => {
    // A page that is on its way may be older than the change.
    if (rows.asking) { look(); return; }
    const held = [...changed].filter((id) => rows.find(id));
    const isShown = changed.has(shown);
    changed.clear();
    const newest = rows.entries[0];
    const all = held.length > 20 && newest
      ? (await get(address("/api/messages", { query, inbox, cursor: Number(newest.id) + 1, limit: Math.min(1000, rows.entries.length) })).catch(() => ({ messages: [] }))).messages
      : await Promise.all(held.map((id) => get(`/api/messages/${id}`).catch(() => null)));
    for (const message of all) {
      if (!message) continue;
      rows.update(message);
      if (isShown && message.id === shown) pane.update(message);
    }
  });
  live.on("changed", ({ ids }) => {
    for (const id of ids) changed.add(id);
    look();
    inboxes();
  });
  live.on("anew", ({ isOther }) => {
    inboxes();
    if (!isOther) { rows.refresh(); return; }
    gone.drop();
    chosen.clear();
    changed.clear();
    chose();
    pane.again();
    void rows.reload();
  });

  return {
    root,
    /** @param {string} id @param {URLSearchParams} given */
    show(id, given) {
      const [q, box] = [given.get("q") ?? "", given.get("inbox") ?? ""];
      const isOther = q !== query || box !== inbox || !rows.isLoaded;
      query = q;
      inbox = box;
      shown = id;
      search.set(q, false);
      if (isOther) inboxes();
      show();
      if (!isOther) { void rows.goTo(shown || null); return; }
      rows.mark(shown || null);
      return rows.reload().then(() => rows.goTo(shown || null));
    },
    /** @param {KeyboardEvent} event */
    key(event) {
      const { key } = event;
      if (key === "/") { search.field.focus(); search.field.select(); }
      else if (key === "j" || (key === "ArrowDown" && rows.box.contains(document.activeElement))) move(1);
      else if (key === "k" || (key === "ArrowUp" && rows.box.contains(document.activeElement))) move(-1);
      else if (key === "x" && shown) pick(shown);
      else if (key === "#" || key === "Delete") { const ids = chosen.size ? [...chosen] : shown ? [shown] : []; if (ids.length) leave(ids); }
      else if (key === "u" && (chosen.size || shown)) { const ids = chosen.size ? [...chosen] : [shown]; pane.keepUnread(); void mark(ids, { read: false }); }
      else if (key === "z") gone.undo();
      else if (key === "Enter" && document.activeElement === rows.box) { if (!shown) move(0); pane.focus(); }
      else if (key === "Escape") { if (chosen.size) { chosen.clear(); chose(); } else if (shown) { open("", true); rows.box.focus(); } }
      else return false;
      return true;
    },
    /** Carries out what was promised. */
    settle: gone.carryOut,
  };
}

// @ts-check
// One message: who, to whom, what doorpost makes of it, and its content in panels.

import { get, patch, Problem } from "./api.js";
import { button, copyButton, el, exactly, many, size, tabs, toast } from "./dom.js";
import { notes } from "./findings.js";
import { journeyPanel } from "./journey.js";
import { attachments, headersPanel, htmlPanel, linksPanel, partsPanel, sourcePanel, textPanel } from "./panels.js";

/**
 * @typedef {import("./api.js").Message} Message
 * @typedef {{ message: Message, parts: import("./api.js").Parts, headers: import("./api.js").HeaderField[],
 *   codes: { code: string, written: string, context: string, likely: boolean }[], links: import("./api.js").Link[],
 *   images: { url: string, alt: string | null, host: string | null }[] }} Whole
 */

/** What was cut or broken, in words. @type {Record<string, string>} */
const MARKS = {
  header_cut: "its header is longer than is read",
  too_many_parts: "it has more parts than are read",
  too_deep: "its parts lie deeper in one another than is read",
  text_cut: "its text is longer than is shown",
  html_cut: "its HTML is longer than is shown",
  no_parts: "a multipart has no part: its boundary never comes",
  unknown_charset: "a charset is not known",
  broken_charset: "it has octets that its charset does not have",
  broken_encoding: "base64 or quoted-printable in it is broken",
};

/** People who are named at first; the others when somebody asks. */
const NAMED = 20;

/** @param {import("./api.js").Correspondent[]} people @returns {(Node | string)[]} */
function written(people) {
  const text = (/** @type {import("./api.js").Correspondent[]} */ some) => some.map((one) => (one.name ? `${one.name} <${one.address}>` : one.address)).join(", ");
  if (people.length <= NAMED) return [text(people) || "—"];
  return [text(people.slice(0, NAMED)), el("details", {}, el("summary", {}, `and ${(people.length - NAMED).toLocaleString("en")} more`), el("span", {}, text(people.slice(NAMED))))];
}

/**
 * @param {{ close: () => void, step: (step: number) => void, remove: (id: string) => void, changed: (message: Message) => void }} frame
 */
export function reader({ close, step, remove, changed }) {
  let current = "";
  let panel = "";
  let keep = false;
  /** @type {AbortController | null} */
  let asking = null;
  /** @type {Message | null} */
  let known = null;
  const root = el("section", { class: "pane", "aria-label": "Message", tabindex: -1 });
  const nothing = () => el("div", { class: "blank" }, el("p", {}, "Nothing is open. ", el("kbd", {}, "j"), " and ", el("kbd", {}, "k"), " walk through the list, ", el("kbd", {}, "?"), " shows all keys."));
  root.append(nothing());

  /** @param {string} id */
  async function show(id) {
    if (id === current) return;
    known = null;
    await load(id);
  }

  /** Reads a message. One that has another time than was shown has taken the name of one that is gone. @param {string} id @param {string} [time] */
  async function load(id, time) {
    current = id;
    keep = false;
    asking?.abort();
    if (!id) { root.replaceChildren(nothing()); return; }
    const { signal } = (asking = new AbortController());
    const path = `/api/messages/${id}`;
    try {
      const [message, parts, { headers }, { codes }, { links, images }] = await Promise.all(
        ["", "/parts", "/headers", "/codes", "/links"].map((part) => get(path + part, signal)));
      if (signal.aborted) return;
      if (time && message.received_at !== time) throw new Problem({ status: 404, detail: "" });
      draw({ message, parts, headers, codes, links, images });
      if (!message.read && !keep) update(await patch(path, { read: true }), true);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Problem)) console.error(error);
      // Asked for again it is looked for again.
      current = "";
      const text = error instanceof Problem && error.details.status === 404 ? "This message is not here any more." : "The message could not be read.";
      root.replaceChildren(el("div", { class: "blank" }, el("p", {}, text), button("Close", { onclick: close })));
    }
  }

  /** @param {Message} message @param {boolean} [toList] */
  function update(message, toList = false) {
    if (toList) changed(message);
    if (message.id !== current) return;
    known = message;
    const old = root.querySelector(".tagline");
    if (!old) return;
    const before = old.querySelector("input");
    const had = old.contains(document.activeElement);
    const made = tagline(message, before?.value);
    old.replaceWith(made);
    // Who is at it, or half way through a tag, stays there.
    const field = made.querySelector("input");
    if (had) field?.focus();
    if (had && before) field?.setSelectionRange(before.selectionStart, before.selectionEnd);
  }

  /** @param {object} change */
  async function mark(change) {
    try {
      update(await patch(`/api/messages/${current}`, change), true);
    } catch (error) {
      toast(String(error instanceof Error ? error.message : error));
    }
  }

  /** @param {Message} message @param {string} [begun] what is typed already */
  function tagline(message, begun = "") {
    const field = el("input", { "aria-label": "Add a tag", placeholder: "+ tag", maxlength: 100, size: 6, value: begun });
    const form = el("form", { onsubmit: (/** @type {Event} */ event) => {
      event.preventDefault();
      const tag = field.value.trim();
      field.value = "";
      if (tag) void mark({ add_tags: [tag] });
    } }, field);
    return el("div", { class: "tagline" }, ...message.tags.map((tag) => el("span", { class: "tag" }, tag, " ",
      button("×", { class: "plain", "aria-label": `Remove the tag ${tag}`, onclick: () => void mark({ remove_tags: [tag] }) }))), form);
  }

  /** @param {Whole} whole */
  function draw(whole) {
    const { message, parts, codes } = whole;
    known = message;
    const { tls } = message;
    const actions = el("div", { class: "actions", role: "group", "aria-label": "Message" },
      button("‹ List", { class: "plain narrow-only", onclick: close }),
      button("↑", { class: "plain", "aria-label": "Newer message", title: "newer (k)", onclick: () => step(-1) }),
      button("↓", { class: "plain", "aria-label": "Older message", title: "older (j)", onclick: () => step(1) }),
      el("span", { class: "gap" }),
      button("Mark unread", { class: "plain", title: "u", onclick: () => { keepUnread(); void mark({ read: false }); } }),
      el("a", { class: "button plain", href: `/api/messages/${message.id}/raw`, download: `${message.id}.eml` }, ".eml"),
      button("Delete", { class: "plain", title: "#", onclick: () => remove(message.id) }));
    const facts = el("p", { class: "facts" },
      el("time", { datetime: message.received_at }, exactly(message.received_at)), " · ",
      el("a", { href: "#/doors" }, message.door), " · ", message.protocol, " · ", size(message.size), " · ",
      tls ? el("span", { class: "secure", title: tls.cipher }, tls.version.replace("TLSv", "TLS ")) : el("span", { class: "clear" }, "in the clear"),
      message.auth_user && [" · as ", message.auth_user].join(""), " · ",
      message.session ? el("a", { href: `#/conversations/${message.session}` }, `conversation ${message.session}`) : "imported");
    const head = el("header", { class: "letter-head" }, actions, el("h2", { tabindex: -1 }, message.subject || "(no subject)"),
      el("dl", { class: "people" },
        el("dt", {}, "From"), el("dd", {}, ...written(message.from)),
        el("dt", {}, "To"), el("dd", {}, ...written(message.to)),
        ...whole.headers.filter((one) => /^(cc|reply-to)$/i.test(one.name)).flatMap((one) => [el("dt", {}, one.name), el("dd", {}, ...(one.addresses.length ? written(one.addresses) : [one.value]))])),
      el("div", { class: "line-of-facts" }, facts, tagline(message)), envelope(whole), codeStrip(codes),
      parts.marked.length > 0 && el("p", { class: "notice" }, `This message is not whole: ${parts.marked.map((mark) => MARKS[mark] ?? mark).join("; ")}.`),
      notes("Findings", message.findings ?? []),
      attachments(message.id, parts.attachments.filter((one) => !one.inline), parts.parts));
    root.replaceChildren(head, content(whole));
    root.scrollTop = 0;
  }

  /** @param {Whole} whole */
  function content(whole) {
    const { message, parts, headers, links } = whole;
    const all = [
      { id: "text", name: "Text", show: textPanel(message.id) },
      { id: "headers", name: `Header ${headers.length}`, show: headersPanel(headers) },
      { id: "parts", name: "Parts", show: partsPanel(message.id, parts.parts) },
      { id: "links", name: `Links ${links.length}`, show: linksPanel(links, whole.images) },
      { id: "journey", name: "Journey", show: journeyPanel(message.id) },
      { id: "source", name: "Source", show: sourcePanel(message.id) },
    ];
    if (parts.has_html) all.unshift({ id: "html", name: "HTML", show: htmlPanel(message.id, message.subject ?? "", whole.images) });
    const { list, panel: shown } = tabs("Content", all, panel || all[0].id, (id) => { panel = id; });
    return el("div", { class: "content" }, list, shown);
  }

  function keepUnread() { keep = true; }

  return {
    root, show, keepUnread,
    /** Looks at the message again, where its name may be another's now. */
    again() { if (current) void load(current, known?.received_at); },
    /** @param {Message} message */
    update(message) { if (known && JSON.stringify(known.tags) !== JSON.stringify(message.tags)) update(message); },
    focus() { /** @type {HTMLElement | null} */ (root.querySelector("h2"))?.focus(); },
  };
}

/** The codes that one would type, the likely ones large. @param {Whole["codes"]} codes */
function codeStrip(codes) {
  const likely = codes.filter((one) => one.likely).slice(0, 3);
  if (!likely.length) return null;
  return el("div", { class: "codes" }, ...likely.map((one) => el("span", { class: "code" },
    el("span", { class: "soft" }, "One-time code"), el("b", { title: one.context }, one.written), copyButton(() => one.code, "Copy", { class: "plain", "aria-label": `Copy the code ${one.code}` }))));
}

/** What the envelope says, where the header says something else. @param {Whole} whole */
function envelope({ message, headers }) {
  const { envelope } = message;
  const named = (/** @type {RegExp} */ name) => new Set(headers.filter((one) => name.test(one.name)).flatMap((one) => one.addresses.map((it) => it.address.toLowerCase())));
  const [to, cc, bcc] = [named(/^to$/i), named(/^cc$/i), named(/^bcc$/i)];
  const paths = envelope.forward_paths.map((one) => one.path);
  const lower = new Set(paths.map((path) => path.toLowerCase()));
  const from = message.from[0]?.address.toLowerCase() ?? "";
  const isOther = envelope.reverse_path.toLowerCase() !== from;
  const hidden = paths.filter((path) => !to.has(path.toLowerCase()) && !cc.has(path.toLowerCase()));
  const unmailed = [...to, ...cc].filter((one) => !lower.has(one));
  if (!isOther && !hidden.length && !unmailed.length && !bcc.size) return null;
  const row = (/** @type {string} */ path, /** @type {string} */ note, kind = "", tag = /** @type {"li" | "span"} */ ("li")) => el(tag, {}, el("code", {}, path), " ", el("span", { class: kind || "soft" }, note));
  const place = (/** @type {string} */ path) => {
    const one = path.toLowerCase();
    if (to.has(one)) return row(path, "in To");
    if (cc.has(one)) return row(path, "in Cc");
    if (bcc.has(one)) return row(path, "in Bcc, which was left in the header: everybody can read it", "bad");
    return row(path, to.size + cc.size ? "Bcc: in the envelope only" : "in the envelope only", "bcc");
  };
  const list = el("ul", {}, ...paths.slice(0, 50).map(place), paths.length > 50 && el("li", { class: "soft" }, `and ${paths.length - 50} more`),
    ...unmailed.slice(0, 20).map((one) => row(one, "named in the header, but mail did not go there")));
  return el("details", { class: "envelope", open: paths.length + unmailed.length <= 6 },
    el("summary", {}, "The envelope differs from the header", el("span", { class: "soft" }, ` · ${many(paths.length, "recipient")}${hidden.length ? `, ${hidden.length} of them hidden` : ""}`)),
    el("dl", {}, el("dt", {}, "MAIL FROM"), el("dd", {}, row(envelope.reverse_path || "<>", isOther ? (envelope.reverse_path ? "From says another address" : "the null reverse-path of a report") : "as in From", "", "span")),
      el("dt", {}, "RCPT TO"), el("dd", {}, list)));
}

// @ts-check
// The panels of a message: HTML in its frame, text, header, parts, links, source; and its files.

import { ask, get, Problem } from "./api.js";
import { button, copyButton, el, fresh, many, size } from "./dom.js";

/** Characters of text, and of source, that are shown at first. */
const SHOWN = 400_000;
/** Octets of a text file that is previewed. */
const PREVIEWED = 200_000;
/** Attachments that are listed at first; the others when somebody asks. */
const LISTED = 20;

const WIDTHS = [["Phone", 375], ["Tablet", 768], ["Desktop", 1280], ["Full", 0]];
let width = 0;
let dark = false;

/** A group of buttons of which one is pressed. @param {string} label @param {{ name: string, value: any }[]} all @param {any} first @param {(value: any) => void} chosen */
function choice(label, all, first, chosen) {
  const group = el("span", { class: "choice", role: "group", "aria-label": label });
  for (const { name, value } of all) {
    group.append(button(name, { "aria-pressed": String(value === first), onclick: (/** @type {Event} */ event) => {
      for (const one of group.children) one.setAttribute("aria-pressed", String(one === event.currentTarget));
      chosen(value);
    } }));
  }
  return group;
}

/** @param {string} id @param {string} subject @param {{ url: string }[]} images */
export function htmlPanel(id, subject, images) {
  return (/** @type {HTMLElement} */ panel) => {
    let remote = false;
    const far = images.filter((one) => /^(https?:)?\/\//i.test(one.url)).length;
    const holder = el("div", { class: "frame" });
    const load = () => {
      const query = new URLSearchParams({ ...(remote && { remote: "true" }), ...(dark && { dark: "true" }) });
      const frame = el("iframe", {
        src: `/page/letters/${id}?${query}`, title: `The message as HTML: ${subject}`, tabindex: 0,
        sandbox: "allow-popups allow-popups-to-escape-sandbox", referrerpolicy: "no-referrer",
      });
      frame.style.colorScheme = dark ? "dark" : "light";
      holder.replaceChildren(el("div", { class: "sheet-of-mail" }, frame));
      fit();
    };
    // A mail sees the width that was chosen; where the page is narrower, it is shown smaller.
    const fit = () => {
      const frame = holder.querySelector("iframe");
      if (!frame?.parentElement || !holder.clientWidth) return;
      const scale = width ? Math.min(1, holder.clientWidth / width) : 1;
      frame.parentElement.style.width = width ? `${width * scale}px` : "100%";
      frame.style.width = width ? `${width}px` : "100%";
      frame.style.height = `${100 / scale}%`;
      frame.style.transform = scale < 1 ? `scale(${scale})` : "";
      shrunk.textContent = scale < 1 ? `at ${Math.round(scale * 100)} %` : "";
    };
    const shrunk = el("span", { class: "soft", role: "status" });
    new ResizeObserver(fit).observe(holder);
    const wording = far ? `Load remote content (${far})` : "Load remote content";
    const fetching = button(wording, { class: "plain", "aria-pressed": "false", onclick: () => {
      remote = !remote;
      fetching.setAttribute("aria-pressed", String(remote));
      fetching.textContent = remote ? "Remote content is loaded" : wording;
      load();
    } });
    panel.append(el("div", { class: "tools" },
      choice("Width", WIDTHS.map(([name, value]) => ({ name: String(name), value })), width, (value) => { width = value; fit(); }), shrunk,
      choice("Ground", [{ name: "Light", value: false }, { name: "Dark", value: true }], dark, (value) => { dark = value; load(); }),
      el("span", { class: "gap" }), fetching), holder);
    load();
  };
}

/** @param {string} id */
export function textPanel(id) {
  return async (/** @type {HTMLElement} */ panel) => {
    const { text, text_of_html: html } = await get(`/api/messages/${id}/text`);
    const shown = text ?? html;
    if (shown === null) { panel.append(el("p", { class: "soft" }, "This message has no text.")); return; }
    if (text === null) panel.append(el("p", { class: "soft note" }, "There is no plain text; this is what the HTML says."));
    panel.append(long(shown, (part) => el("pre", { class: "text" }, ...linked(part))));
  };
}

/** Text of which the beginning is shown at first. @param {string} text @param {(text: string) => Node} draw */
function long(text, draw) {
  const box = el("div", {}, draw(text.slice(0, SHOWN)));
  if (text.length > SHOWN) {
    const more = button(`Show all ${size(text.length)}`, { onclick: () => { box.replaceChildren(draw(text)); } });
    box.append(more);
  }
  return box;
}

/** Text whose web addresses are links. @param {string} text */
function linked(text) {
  return text.split(/(https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]}])/g).map((part, at) => (at % 2 ? outward(part, part) : part));
}

/** A link that leads out, with nothing said about where from. @param {string} url @param {string} text */
function outward(url, text) {
  return el("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, text);
}

/** @param {import("./api.js").HeaderField[]} headers */
export function headersPanel(headers) {
  return (/** @type {HTMLElement} */ panel) => {
    const body = el("tbody", {});
    const none = el("p", { class: "soft", role: "status" });
    let asWritten = false;
    const draw = () => {
      const word = filter.value.toLowerCase();
      const found = headers.filter((one) => `${one.name}: ${one.value}`.toLowerCase().includes(word));
      none.textContent = found.length ? "" : "No field has that.";
      body.replaceChildren(...found.map((one) => el("tr", {}, el("th", { scope: "row" }, one.name), el("td", { class: asWritten ? "raw" : "" }, asWritten ? one.raw.trim() : one.value))));
    };
    const filter = el("input", { type: "search", "aria-label": "Filter the header", placeholder: "Filter…", oninput: draw });
    panel.append(el("div", { class: "tools" }, filter, choice("Form", [{ name: "Decoded", value: false }, { name: "As written", value: true }], false, (value) => { asWritten = value; draw(); })),
      el("table", { class: "fields" }, el("caption", { class: "hidden-text" }, "Header fields"), body), none);
    draw();
  };
}

/** @param {string} message @param {import("./api.js").Part} root */
export function partsPanel(message, root) {
  const draw = (/** @type {import("./api.js").Part} */ part) => {
    const facts = [part.charset, part.disposition, part.content_id && `cid:${part.content_id}`].filter(Boolean).join(" · ");
    /** @type {HTMLElement} */
    const item = el("li", {}, el("span", { class: "part" },
      el("code", {}, part.id), el("b", {}, part.content_type), part.file_name && el("span", { class: "name" }, part.file_name),
      el("span", { class: "soft" }, facts), el("span", { class: "soft" }, size(part.size)),
      el("a", { href: `/api/messages/${message}/parts/${part.id}`, download: part.file_name ?? `${message}-${part.id}`, "aria-label": `Download part ${part.id}` }, "download")));
    if (part.children.length) item.append(el("ul", {}, ...part.children.map(draw)));
    return item;
  };
  return (/** @type {HTMLElement} */ panel) => { panel.append(el("ul", { class: "tree" }, draw(root))); };
}

/** @param {import("./api.js").Link[]} links @param {{ url: string, alt: string | null }[]} images */
export function linksPanel(links, images) {
  return (/** @type {HTMLElement} */ panel) => {
    if (!links.length && !images.length) panel.append(el("p", { class: "soft" }, "This message has no links."));
    if (links.length) {
      panel.append(el("ul", { class: "links" }, ...links.map((one) => el("li", {}, one.text && el("b", {}, one.text),
        one.followable ? outward(one.url, one.url) : el("span", {}, el("code", {}, one.url), " ", el("span", { class: "bad" }, "not offered as a link")),
        copyButton(() => one.url, "Copy", { class: "plain" })))));
    }
    if (images.length) {
      panel.append(el("h3", {}, "Images"), el("ul", { class: "links" }, ...images.map((one) => el("li", {}, one.alt && el("b", {}, one.alt), el("code", {}, one.url)))));
    }
  };
}

/** @param {string} id */
export function sourcePanel(id) {
  return async (/** @type {HTMLElement} */ panel) => {
    const text = await (await ask(`/api/messages/${id}/raw`)).text();
    panel.append(el("div", { class: "tools" }, copyButton(() => text, "Copy all", { class: "plain" })), long(text, coloured));
  };
}

/** Escapes of quoted-printable that are told apart; a mail can be made of nothing else. */
const ESCAPES = 4000;

/** Names of fields and boundaries stand out, and what is encoded stands back. @param {string} text */
function coloured(text) {
  const pre = el("pre", { class: "source" });
  const boundaries = new Set([...text.matchAll(/boundary="?([^"\r\n;]+)/gi)].map((match) => `--${match[1]}`));
  let inHeader = true;
  let encoding = "";
  let isFolded = false;
  let escapes = 0;
  let plain = "";
  let coded = "";
  const flush = () => {
    if (plain) pre.append(plain);
    if (coded) pre.append(el("span", { class: "coded" }, coded));
    plain = coded = "";
  };
  for (const line of text.replaceAll("\r\n", "\n").split("\n")) {
    const isBoundary = line.startsWith("--") && (boundaries.has(line) || boundaries.has(line.replace(/--$/, "")));
    const field = inHeader && /^[!-9;-~]+:/.exec(line);
    if (isBoundary) {
      flush();
      pre.append(el("span", { class: "boundary" }, line));
      inHeader = !line.endsWith("--") || boundaries.has(line);
      encoding = "";
    } else if (field) {
      flush();
      pre.append(el("span", { class: "field-name" }, field[0]));
      plain = line.slice(field[0].length);
      isFolded = field[0].toLowerCase() === "content-transfer-encoding:";
      if (isFolded) encoding = plain.trim().toLowerCase();
    } else if (!inHeader && encoding === "base64" && line) {
      if (plain) flush();
      coded += `${line}\n`;
      continue;
    } else if (!inHeader && encoding === "quoted-printable" && escapes < ESCAPES && line.includes("=")) {
      flush();
      for (const [at, part] of line.split(/((?:=[0-9A-F]{2})+|=$)/i).entries()) {
        if (at % 2) { pre.append(el("span", { class: "coded" }, part)); escapes += 1; }
        else if (part) pre.append(part);
      }
    } else {
      if (coded) flush();
      // A field may go on in the next line.
      if (inHeader && isFolded && /^[ \t]/.test(line)) encoding ||= line.trim().toLowerCase();
      plain += line;
      // A message within the message has a header of its own, which is as plain as the text around it.
      if (!line) inHeader = false;
    }
    plain += "\n";
  }
  flush();
  return pre;
}

/** @param {string} message @param {import("./api.js").Attachment[]} files @param {import("./api.js").Part} root */
export function attachments(message, files, root) {
  if (!files.length) return null;
  const preview = el("div", { class: "preview", hidden: true });
  const item = (/** @type {import("./api.js").Attachment} */ file) => {
    const url = `/api/messages/${message}/parts/${file.id}`;
    const name = file.file_name ?? `part ${file.id}`;
    const show = /^application\/(x-)?pdf$/.test(file.content_type) || (/\.pdf$/i.test(name) && file.content_type === "application/octet-stream")
      ? () => pdf(`/page/pdf/${message}/${file.id}`, name) : previewer(url, name, file, root);
    return el("li", {}, el("span", { class: "name" }, name), el("span", { class: "soft" }, `${file.content_type} · ${size(file.size)}`),
      show && button("Preview", { class: "plain", "aria-label": `Preview ${name}`, "aria-expanded": "false", onclick: (/** @type {Event} */ event) => {
        const pressed = /** @type {HTMLElement} */ (event.currentTarget);
        const isOpen = pressed.getAttribute("aria-expanded") === "true";
        for (const one of pressed.closest(".files")?.querySelectorAll("[aria-expanded]") ?? []) one.setAttribute("aria-expanded", "false");
        preview.hidden = isOpen;
        if (isOpen) { preview.replaceChildren(); return; }
        pressed.setAttribute("aria-expanded", "true");
        void fresh(preview, "", async (place) => { place.replaceChildren(await show()); });
      } }),
      el("a", { href: url, download: name, "aria-label": `Download ${name}` }, "Download"));
  };
  return el("div", { class: "files" }, el("ul", { "aria-label": "Attachments" }, ...files.slice(0, LISTED).map(item)),
    files.length > LISTED && el("details", {}, el("summary", {}, `and ${many(files.length - LISTED, "more", "more")}`), el("ul", { "aria-label": "More attachments" }, ...files.slice(LISTED).map(item))),
    preview);
}

/** The browser's own viewer, in a frame. @param {string} url @param {string} name */
async function pdf(url, name) {
  const note = (/** @type {string} */ why) => el("p", {}, `${why} It is here to be downloaded, and not shown.`);
  if (!navigator.pdfViewerEnabled) return note("This browser has no viewer for PDF.");
  try {
    // What may be shown is the server's to say.
    void (await ask(url)).body?.cancel();
  } catch (error) {
    return note(error instanceof Problem ? `${error.message[0].toUpperCase()}${error.message.slice(1)}.` : "The file could not be read.");
  }
  return el("iframe", { src: url, title: name, referrerpolicy: "no-referrer" });
}

/** A part by its name. @param {import("./api.js").Part} part @param {string} id @returns {import("./api.js").Part | undefined} */
const within = (part, id) => (part.id === id ? part : part.children.map((one) => within(one, id)).find(Boolean));

/** Text in the charset that its part names. @param {ArrayBuffer} octets @param {string} charset */
function decoded(octets, charset) {
  try {
    return new TextDecoder(charset).decode(octets);
  } catch {
    return new TextDecoder().decode(octets);
  }
}

/** What shows a file, if it is one that can be shown. @param {string} url @param {string} name @param {import("./api.js").Attachment} file @param {import("./api.js").Part} root */
function previewer(url, name, file, root) {
  const kind = file.content_type;
  if (/^image\/(png|jpeg|gif|webp|avif|bmp|svg\+xml)$/.test(kind)) return async () => el("img", { src: url, alt: name });
  if (/^text\/|^application\/(json|xml|x-yaml|pgp-signature)$|^message\//.test(kind)) {
    return async () => {
      const text = decoded(await (await ask(url)).arrayBuffer(), within(root, file.id)?.charset ?? "utf-8");
      return el("pre", { tabindex: 0, "aria-label": name }, text.slice(0, PREVIEWED), text.length > PREVIEWED ? "\n… the rest is in the download" : "");
    };
  }
  return null;
}

// @ts-check
// Elements from data, and data in words. Whatever comes from a mail or a client becomes text here, never markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * @typedef {Node | string | number | null | undefined | false} Child
 * @typedef {Record<string, any>} Attributes
 */

/**
 * Gives an element its attributes and children: `on…` are listeners, `true` is an attribute without a value.
 * @template {Element} E
 * @param {E} element @param {Attributes} attributes @param {Child[]} children
 * @returns {E}
 */
function dress(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false) {
      element.append(child instanceof Node ? child : String(child));
    }
  }
  return element;
}

/**
 * An HTML element.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Attributes} [attributes] @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, attributes = {}, ...children) {
  return dress(document.createElement(tag), attributes, children);
}

/** @param {string} tag @param {Attributes} [attributes] @param {...Child} children */
export function svg(tag, attributes = {}, ...children) {
  return dress(document.createElementNS(SVG, tag), attributes, children);
}

/** The element with that id. @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element ${id}`);
  return found;
}

/** @param {string} text @param {Attributes} attributes */
export function button(text, attributes) {
  return el("button", { type: "button", ...attributes }, text);
}

/** A text in which `…` is code. @param {string} text */
export function prose(text) {
  return text.split("`").map((part, at) => (at % 2 ? el("code", {}, part) : part));
}

/** A sign of sixteen by sixteen; a screen reader hears the words. @param {string} path @param {string} words */
export function sign(path, words) {
  return el("span", { title: words }, svg("svg", { class: "sign", viewBox: "0 0 16 16", width: 13, height: 13, "aria-hidden": "true" }, svg("path", { d: path })), el("span", { class: "hidden-text" }, words));
}

/** A button that copies. @param {() => string | Promise<string>} text @param {string} label @param {Attributes} [attributes] */
export function copyButton(text, label, attributes = {}) {
  const show = (/** @type {string} */ shown, /** @type {string | undefined} */ said) => {
    made.textContent = shown;
    if (said) made.setAttribute("aria-label", said);
  };
  const made = button(label, { ...attributes, onclick: async () => {
    const said = attributes["aria-label"];
    try {
      await navigator.clipboard.writeText(await text());
      show("Copied", said && "Copied");
      say("Copied");
    } catch {
      show("Could not copy", said && "Could not copy");
    }
    setTimeout(() => show(label, said), 1500);
  } });
  return made;
}

/** What a screen reader says. @param {string} text */
export function say(text) {
  byId("spoken").textContent = text;
}

/**
 * A notice for some seconds, with something to do about it.
 * @param {string} text @param {{ label?: string, action?: () => void, seconds?: number, over?: () => void }} [options]
 */
export function toast(text, { label, action, seconds = 5, over } = {}) {
  let timer = 0;
  const close = () => {
    clearTimeout(timer);
    box.remove();
  };
  const box = el("div", { class: "toast" }, el("span", { role: "status" }, text),
    label && button(label, { class: "strong", onclick: () => { close(); action?.(); } }));
  byId("toasts").append(box);
  timer = setTimeout(() => { close(); over?.(); }, seconds * 1000);
  return { close };
}

/** Octets in words. @param {number} octets */
export function size(octets) {
  if (octets < 1000) return `${octets} B`;
  const units = ["kB", "MB", "GB"];
  let number = octets / 1000;
  while (number >= 999.5 && units.length > 1) { number /= 1000; units.shift(); }
  return `${number < 10 ? number.toFixed(1) : Math.round(number)} ${units[0]}`;
}

/** @param {number} count @param {string} one @param {string} [more] */
export function many(count, one, more = `${one}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : more}`;
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const whole = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/** A time in as few signs as tell it. @param {string} text */
export function moment(text) {
  const then = new Date(text);
  const now = new Date();
  if (then.toDateString() === now.toDateString()) return clock.format(then);
  return then.getFullYear() === now.getFullYear() ? day.format(then) : String(then.getFullYear());
}

/** @param {string} text */
export function exactly(text) {
  return whole.format(new Date(text));
}

/** A span of time. @param {number} microseconds */
export function span(microseconds) {
  if (microseconds < 1000) return `${microseconds} µs`;
  if (microseconds < 1e6) return `${(microseconds / 1000).toFixed(microseconds < 1e4 ? 1 : 0)} ms`;
  return `${(microseconds / 1e6).toFixed(microseconds < 1e7 ? 2 : 1)} s`;
}

/** Names and addresses as one reads them. @param {import("./api.js").Correspondent[]} people @param {string} none */
export function people(people, none) {
  return people.length ? people.map((one) => one.name || one.address).join(", ") : none;
}

/** Runs it once things are quiet, and no more often than that. @param {number} ms @param {() => void} work */
export function calmly(ms, work) {
  let timer = 0;
  return () => {
    if (!timer) timer = setTimeout(() => { timer = 0; work(); }, ms);
  };
}

/**
 * Shows something in a place of its own, in the stead of what was there: what comes late goes where nobody sees it any more.
 * @param {HTMLElement} parent @param {string} kind the class of the place @param {(place: HTMLElement) => void | Promise<void>} show
 */
export async function fresh(parent, kind, show) {
  const place = el("div", { class: kind });
  parent.replaceChildren(place);
  try {
    await show(place);
  } catch (error) {
    place.replaceChildren(el("p", { class: "bad", role: "alert" }, `This could not be read: ${error instanceof Error ? error.message : error}.`));
  }
}

/**
 * Tabs: one panel at a time, chosen with the arrow keys as well.
 * @param {string} label @param {{ id: string, name: string, show: (panel: HTMLElement) => void | Promise<void> }[]} tabs
 * @param {string} first @param {(id: string) => void} [chosen]
 */
export function tabs(label, tabs, first, chosen) {
  const panel = el("div", { class: "panel", role: "tabpanel", tabindex: 0 });
  const list = el("div", { class: "tabs", role: "tablist", "aria-label": label });
  /** @param {string} id @param {boolean} focus */
  const choose = (id, focus) => {
    for (const one of /** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll("[role=tab]"))) {
      const is = one.dataset.id === id;
      one.setAttribute("aria-selected", String(is));
      one.tabIndex = is ? 0 : -1;
      if (is) {
        panel.setAttribute("aria-labelledby", one.id);
        if (focus) one.focus();
      }
    }
    panel.dataset.id = id;
    fresh(panel, "shown", (place) => tabs.find((tab) => tab.id === id)?.show(place));
  };
  tabs.forEach((tab, at) => {
    list.append(button(tab.name, {
      role: "tab", id: `tab-${label.replaceAll(" ", "-")}-${tab.id}`, "data-id": tab.id,
      onclick: () => { choose(tab.id, false); chosen?.(tab.id); },
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        const next = tabs[(at + step + tabs.length) % tabs.length].id;
        choose(next, true);
        chosen?.(next);
      },
    }));
  });
  choose(tabs.some((tab) => tab.id === first) ? first : tabs[0].id, false);
  return { list, panel, choose };
}

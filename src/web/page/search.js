// @ts-check
// The field for queries: completes keys and values at the caret, and shows what is wrong at its place.

import { el, prose } from "./dom.js";

/**
 * @typedef {{ name: string, finds: string, values?: () => string[] | Promise<string[]> }} Key
 */

/** Where a problem lies in a text: the API counts octets. @param {string} text @param {number} octets */
function place(text, octets) {
  const bytes = new TextEncoder().encode(text);
  return new TextDecoder().decode(bytes.subarray(0, octets)).length;
}

/** @param {string} value */
const quoted = (value) => (/^[^\s()"\\]+$/.test(value) ? value : `"${value.replace(/["\\]/g, "\\$&")}"`);

/** @param {{ id: string, label: string, keys: Key[], ask: (query: string) => void }} options */
export function searchField({ id, label, keys, ask }) {
  const field = el("input", {
    id, type: "text", role: "combobox", "aria-label": label, placeholder: `${label}…`, autocomplete: "off", autocapitalize: "off",
    spellcheck: "false", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": `${id}-list`, enterkeyhint: "search",
    "aria-keyshortcuts": "/",
  });
  const list = el("ul", { class: "complete", role: "listbox", id: `${id}-list`, "aria-label": "Completions", hidden: true });
  const wrong = el("div", { class: "wrong", id: `${id}-wrong`, role: "status" });
  const clear = el("button", { type: "button", class: "wipe", "aria-label": "Clear the search", hidden: true, onclick: () => set("", true) }, "×");
  const root = el("div", { class: "search", role: "search" }, field, clear, list, wrong);
  let timer = 0;
  let asked = "";
  let active = -1;
  /** @type {{ text: string, note: string, from: number }[]} */
  let offers = [];

  const go = () => {
    clearTimeout(timer);
    if (field.value.trim() === asked) return;
    asked = field.value.trim();
    ask(asked);
  };

  /** @param {string} text @param {boolean} now */
  function set(text, now) {
    field.value = text;
    clear.hidden = !text;
    close();
    right();
    if (now) { go(); field.focus(); } else asked = text.trim();
  }

  function close() {
    list.hidden = true;
    active = -1;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }

  function right() {
    wrong.replaceChildren();
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }

  async function complete() {
    const caret = field.selectionStart ?? field.value.length;
    const before = field.value.slice(0, caret);
    const word = /[^\s()]*$/.exec(before)?.[0].replace(/^[-!]/, "") ?? "";
    const from = caret - word.length;
    const colon = word.indexOf(":");
    if (colon < 0) {
      const found = keys.filter((key) => key.name.startsWith(word.toLowerCase()));
      offers = found.map((key) => ({ text: `${key.name}:`, note: key.finds, from }));
    } else {
      const key = keys.find((one) => one.name === word.slice(0, colon).toLowerCase());
      const begin = word.slice(colon + 1).toLowerCase();
      const values = (await key?.values?.()) ?? [];
      if (field.selectionStart !== caret) return;
      const found = values.filter((value) => value.toLowerCase().startsWith(begin) && value.toLowerCase() !== begin);
      offers = found.slice(0, 12).map((value) => ({ text: quoted(value), note: "", from: from + colon + 1 }));
    }
    if (!offers.length || document.activeElement !== field) { close(); return; }
    active = -1;
    list.replaceChildren(...offers.map((offer, at) => el("li", {
      role: "option", id: `${id}-offer-${at}`, "aria-selected": "false",
      onpointerdown: (/** @type {Event} */ event) => { event.preventDefault(); take(at); },
    }, el("b", {}, offer.text), " ", el("span", {}, offer.note))));
    list.hidden = false;
    field.setAttribute("aria-expanded", "true");
    field.removeAttribute("aria-activedescendant");
  }

  /** @param {number} at */
  function choose(at) {
    active = (at + offers.length) % offers.length;
    [...list.children].forEach((one, index) => one.setAttribute("aria-selected", String(index === active)));
    list.children[active]?.scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", `${id}-offer-${active}`);
  }

  /** @param {number} at */
  function take(at) {
    const offer = offers[at];
    const caret = field.selectionStart ?? field.value.length;
    const isKey = offer.text.endsWith(":");
    const text = isKey ? offer.text : `${offer.text} `;
    field.setRangeText(text, offer.from, caret, "end");
    clear.hidden = false;
    close();
    if (isKey) void complete();
    else go();
  }

  field.addEventListener("input", () => {
    clear.hidden = !field.value;
    right();
    clearTimeout(timer);
    timer = setTimeout(go, 250);
    void complete();
  });
  field.addEventListener("blur", close);
  field.addEventListener("click", () => { if (list.hidden) void complete(); });
  field.addEventListener("keydown", (event) => {
    const isOpen = !list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) void complete();
      else choose(active < 0 && event.key === "ArrowUp" ? offers.length - 1 : active + (event.key === "ArrowDown" ? 1 : -1));
    } else if ((event.key === "Enter" || event.key === "Tab") && isOpen && active >= 0) {
      event.preventDefault();
      take(active);
    } else if (event.key === "Enter") {
      close();
      go();
    } else if (event.key === "Escape") {
      event.stopPropagation();
      if (isOpen) close();
      else field.blur();
    }
  });

  /** Shows what is wrong. @param {import("./api.js").ProblemDetails} problem */
  function fail(problem) {
    close();
    const { start, end, detail, help } = problem;
    wrong.replaceChildren();
    if (start !== undefined && end !== undefined) {
      const text = asked || field.value;
      const [from, to] = [place(text, start), place(text, end)];
      const marked = to > from ? text.slice(from, to) : " ";
      wrong.append(el("code", {}, text.slice(0, from), el("mark", {}, marked), text.slice(Math.max(to, from))));
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", wrong.id);
    }
    wrong.append(el("p", {}, ...prose(detail)), help ? el("p", { class: "soft" }, ...prose(help)) : "");
  }

  return { root, field, fail, right, set };
}

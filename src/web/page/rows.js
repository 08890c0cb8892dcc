// @ts-check
// A list of any length: it holds a run of entries and draws those that are seen. The API gives pages by cursor, newest
// first; where somebody drags far, the run begins anew near there, since names of entries are numbers in order.

import { el } from "./dom.js";

/** Entries that are asked for at a time. */
const PAGE = 100;
/** Entries that are held. */
const HELD = 1500;
/** Pixels that a browser scrolls reliably; a longer list moves under a shorter scrollbar. */
const TALLEST = 8_000_000;
/** Rows drawn beyond what is seen. */
const BEYOND = 6;

/**
 * @template {{ id: string }} T
 * @typedef {{ entries: T[], next: string | null, total: number }} Page
 */

/**
 * @template {{ id: string }} T
 * @typedef {{
 *   label: string, height: number,
 *   load: (range: { cursor?: string, since?: string, limit: number }, signal: AbortSignal) => Promise<Page<T>>,
 *   draw: (entry: T, row: HTMLElement) => void,
 *   open: (entry: T) => void,
 *   counted: (total: number) => void,
 *   failed: (error: any) => void,
 *   empty: () => Node,
 *   upward: boolean, dense: () => boolean,
 * }} Options
 */

/** @template {{ id: string }} T */
export class Rows {
  /** @param {Options<T>} options */
  constructor(options) {
    this.options = options;
    /** The run. @type {T[]} */
    this.entries = [];
    /** The place of its first entry in the whole. */
    this.start = 0;
    this.total = 0;
    this.isLast = true;
    this.isLoaded = false;
    /** @type {string | null} */
    this.current = null;
    /** How far the list lies above where the scrollbar says. */
    this.shift = 0;
    this.lastTop = 0;
    /** @type {AbortController | null} */
    this.asking = null;
    /** @type {Map<string, HTMLElement>} */
    this.drawn = new Map();
    this.sheet = el("div", { class: "sheet", role: "presentation" });
    this.blank = el("div", { class: "blank" });
    this.box = el("div", { class: "rows", role: "listbox", tabindex: 0, "aria-label": options.label, "aria-multiselectable": options.upward ? "true" : undefined }, this.sheet);
    this.root = el("div", { class: "rows-frame" }, this.box, this.blank);
    this.blank.hidden = true;
    this.box.addEventListener("scroll", () => this.scrolled(), { passive: true });
    new ResizeObserver(() => this.paint()).observe(this.box);
  }

  get height() { return this.total * this.options.height; }
  get tall() { return Math.min(this.height, TALLEST); }
  /** The pixel of the whole list that is at the top. */
  get top() { return this.box.scrollTop + this.shift; }

  /** Begins at the newest. */
  async reload() {
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    try {
      const page = await this.options.load({ limit: PAGE }, asking.signal);
      this.entries = page.entries;
      this.newest = page.entries[0]?.id;
      this.start = 0;
      this.isLast = page.next === null;
      this.count(this.isLast ? page.entries.length : page.total);
      this.shift = 0;
      this.box.scrollTop = this.lastTop = 0;
      this.isLoaded = true;
      this.asking = null;
      this.redraw();
    } catch (error) {
      if (!asking.signal.aborted) { this.asking = null; this.options.failed(error); }
    }
  }

  /** Looks again without taking anybody away from where they read. */
  refresh() {
    if (this.top < this.options.height) void this.reload();
  }

  /** @param {number} total */
  count(total) {
    this.total = Math.max(total, this.start + this.entries.length);
    this.options.counted(this.total);
  }

  scrolled() {
    const seen = this.box.clientHeight;
    const top = this.box.scrollTop;
    if (this.height > this.tall) {
      const far = Math.abs(top - this.lastTop) > seen * 3;
      const range = Math.max(1, this.tall - seen);
      if (far) {
        this.shift = Math.round((top / range) * (this.height - seen)) - top;
      } else if ((top < seen && this.top > 2 * seen) || (top > range - seen && this.top < this.height - 3 * seen) || this.top < 0) {
        const whole = Math.max(0, Math.min(this.top, this.height - seen));
        const place = Math.round((whole / (this.height - seen)) * range);
        this.shift = whole - place;
        this.box.scrollTop = place;
      }
    }
    this.lastTop = this.box.scrollTop;
    this.paint();
  }

  /** Draws what is seen, and asks for what is missing. */
  paint() {
    const { height } = this.options;
    this.sheet.style.height = `${this.tall}px`;
    const first = Math.max(0, Math.floor(this.top / height) - BEYOND);
    const last = Math.min(this.total, Math.ceil((this.top + this.box.clientHeight) / height) + BEYOND);
    const from = Math.max(first, this.start);
    const seen = this.entries.slice(from - this.start, Math.max(0, last - this.start));
    const wanted = new Set(seen.map((entry) => entry.id));
    for (const [id, row] of this.drawn) {
      if (!wanted.has(id)) { row.remove(); this.drawn.delete(id); }
    }
    /** @type {ChildNode | null} */
    let next = this.sheet.firstChild;
    for (const [offset, entry] of seen.entries()) {
      const at = from + offset;
      let row = this.drawn.get(entry.id);
      if (!row) {
        row = el("div", { class: "row", role: "option", id: `row-${entry.id}`, onclick: () => this.options.open(entry) });
        row.style.height = `${height}px`;
        this.options.draw(entry, row);
        this.drawn.set(entry.id, row);
      }
      // In their order, as a screen reader meets them.
      if (next === row) next = next.nextSibling;
      else this.sheet.insertBefore(row, next);
      row.style.transform = `translateY(${at * height - this.shift}px)`;
      row.classList.toggle("open", entry.id === this.current);
      row.setAttribute("aria-posinset", String(at + 1));
      row.setAttribute("aria-setsize", String(this.total));
    }
    const at = this.current !== null && this.drawn.has(this.current);
    if (at) this.box.setAttribute("aria-activedescendant", `row-${this.current}`);
    else this.box.removeAttribute("aria-activedescendant");
    const isEmpty = this.isLoaded && this.total === 0;
    if (isEmpty && this.blank.hidden) this.blank.replaceChildren(this.options.empty());
    this.blank.hidden = !isEmpty;
    this.box.hidden = isEmpty;
    this.fill(first, last);
  }

  /** @param {number} first @param {number} last */
  async fill(first, last) {
    if (this.asking || !this.entries.length) return;
    const end = this.start + this.entries.length;
    const limit = PAGE;
    /** @type {{ cursor?: string, since?: string, limit: number }} */
    let range;
    let way = 0;
    const isAbove = first < this.start + PAGE / 4 && this.start > 0;
    const place = Math.max(0, first - PAGE / 4);
    if (first > end + PAGE || last < this.start - PAGE || (isAbove && !this.options.upward)) {
      range = { cursor: this.guess(place), limit };
    } else if (last > end - PAGE / 4 && !this.isLast) {
      range = { cursor: this.entries[this.entries.length - 1].id, limit };
      way = 1;
    } else if (isAbove) {
      const from = this.entries[0].id;
      range = { since: from, cursor: String(Number(from) + this.reach), limit: 1000 };
      way = -1;
    } else return;
    const asking = (this.asking = new AbortController());
    try {
      let page = await this.options.load(range, asking.signal);
      // Nothing so far down: the names do not begin at 1.
      for (let tries = 0; way === 0 && !page.entries.length && tries < 40; tries++) {
        range.cursor = String(Math.ceil((Number(range.cursor) + Number(this.newest) + 1) / 2));
        page = await this.options.load(range, asking.signal);
      }
      this.asking = null;
      if (way === 1) this.append(page);
      else if (way === -1) this.prepend(page.entries);
      else this.begin(place, page);
    } catch (error) {
      if (asking.signal.aborted) return;
      this.asking = null;
      this.options.failed(error);
      return;
    }
    this.paint();
  }

  /** How far upward to look for older names that may have gaps. */
  reach = PAGE + 1;

  /** The name of the entry at a place, as far as one can tell. @param {number} place */
  guess(place) {
    const newest = Number(this.newest ?? this.entries[0].id) + 1;
    const step = this.options.dense() ? 1 : (newest - 1) / Math.max(1, this.total);
    return String(Math.max(2, Math.round(newest - place * step)));
  }

  /** @type {string | undefined} */
  newest;

  /** @param {number} place @param {Page<T>} page */
  begin(place, page) {
    if (!page.entries.length) return;
    this.entries = page.entries;
    this.start = page.entries[0].id === this.newest ? 0 : place;
    this.isLast = page.next === null;
    this.settle();
  }

  /** @param {Page<T>} page */
  append(page) {
    this.entries.push(...page.entries);
    this.isLast = page.next === null;
    const over = this.entries.length - HELD;
    if (over > 0 && this.options.upward) {
      if (this.start === 0) this.newest = this.entries[0].id;
      this.entries.splice(0, over);
      this.start += over;
    }
    this.settle();
  }

  /** @param {T[]} entries */
  prepend(entries) {
    if (!entries.length) {
      if (Number(this.entries[0].id) + this.reach > Number(this.newest ?? 0)) this.start = 0;
      this.reach *= 4;
      return;
    }
    this.reach = PAGE + 1;
    this.entries.unshift(...entries);
    const over = this.entries.length - HELD;
    if (over > 0) { this.entries.splice(-over); this.isLast = false; }
    const isAll = Number(this.entries[0].id) >= Number(this.newest ?? 0);
    this.start = isAll ? 0 : Math.max(1, this.start - entries.length);
  }

  /** The end is known for sure: places are put right. */
  settle() {
    const end = this.start + this.entries.length;
    if (!this.isLast) { if (end >= this.total) this.count(end + 1); return; }
    if (this.start > 0 && end !== this.total) this.start = Math.max(0, this.total - this.entries.length);
    else if (end !== this.total) this.count(end);
  }

  /** Puts new entries in front. @param {T[]} entries newest first @param {number} total */
  arrive(entries, total) {
    if (!entries.length) return;
    const known = new Set(this.entries.map((entry) => entry.id));
    const fresh = entries.filter((entry) => !known.has(entry.id));
    const wasAtTop = this.top < this.options.height / 2;
    this.newest = fresh[0]?.id ?? this.newest;
    if (this.start === 0) this.entries.unshift(...fresh);
    else this.start += fresh.length;
    this.count(total);
    this.sheet.style.height = `${this.tall}px`;
    if (!wasAtTop) {
      this.shift += this.height > this.tall ? fresh.length * this.options.height : 0;
      if (this.height <= this.tall) this.box.scrollTop += fresh.length * this.options.height;
      this.lastTop = this.box.scrollTop;
    }
    this.paint();
    if (wasAtTop) for (const entry of fresh.slice(0, 20)) this.drawn.get(entry.id)?.classList.add("fresh");
  }

  /** Takes entries away. @param {(entry: T) => boolean} isGone */
  drop(isGone) {
    const before = this.entries.length;
    this.entries = this.entries.filter((entry) => !isGone(entry));
    const gone = before - this.entries.length;
    if (!gone) return;
    this.total = Math.max(this.entries.length, this.total - gone);
    this.options.counted(this.total);
    if (!this.entries.length && this.total > 0) void this.reload();
    this.paint();
  }

  /** Puts what is known anew in its place. @param {T} entry */
  update(entry) {
    const at = this.entries.findIndex((one) => one.id === entry.id);
    if (at < 0) return;
    this.entries[at] = entry;
    const row = this.drawn.get(entry.id);
    if (row) { row.replaceChildren(); this.options.draw(entry, row); }
  }

  redraw() {
    for (const row of this.drawn.values()) row.remove();
    this.drawn.clear();
    this.paint();
  }

  /** @param {string | null} id */
  find(id) { return this.entries.find((entry) => entry.id === id); }

  /** The entry so many behind the current one. @param {number} step */
  beside(step) {
    const at = this.entries.findIndex((entry) => entry.id === this.current);
    return at < 0 ? this.entries[0] : this.entries[at + step];
  }

  /** @param {string | null} id */
  mark(id) {
    this.current = id;
    const at = this.entries.findIndex((entry) => entry.id === id);
    if (at >= 0) {
      const from = (this.start + at) * this.options.height;
      const to = from + this.options.height;
      if (from < this.top) this.box.scrollTop -= this.top - from;
      else if (to > this.top + this.box.clientHeight) this.box.scrollTop += to - this.top - this.box.clientHeight;
    }
    this.paint();
  }
}

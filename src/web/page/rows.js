// @ts-check
// A list of any length: it holds a run of entries and draws those that are seen. The API gives pages by cursor, newest
// first; where somebody drags far, the run begins anew near there, since names of entries are numbers in order. A run has
// no gaps: what does not join it is not put beside it, but moves its place, and is asked for where somebody scrolls to it.

import { el } from "./dom.js";
import { Scroller } from "./scroller.js";

/** Entries that are asked for at a time, and that are held. */
const PAGE = 100;
const HELD = 1500;
/** Rows drawn beyond what is seen. */
const BEYOND = 6;

/**
 * @template {{ id: string }} T
 * @typedef {{ entries: T[], next: string | null, total: number, isExact: boolean }} Page
 */

/**
 * @template {{ id: string }} T
 * @typedef {{
 *   label: string, height: number,
 *   load: (range: { cursor?: string, since?: string, limit: number }, signal?: AbortSignal) => Promise<Page<T>>,
 *   draw: (entry: T, row: HTMLElement) => void,
 *   open: (entry: T) => void,
 *   counted: (total: number, isExact: boolean) => void,
 *   failed: (error: any) => void,
 *   empty: () => Node,
 *   several: boolean, dense: () => boolean,
 * }} Options
 */

/** @template {{ id: string }} T */
export class Rows extends Scroller {
  /** @param {Options<T>} options */
  constructor(options) {
    super(el("div", { class: "rows", role: "listbox", tabindex: 0, "aria-label": options.label, "aria-multiselectable": options.several ? "true" : undefined }));
    this.options = options;
    /** The run. @type {T[]} */
    this.entries = [];
    /** The place of its first entry in the whole. */
    this.start = 0;
    this.total = 0;
    this.isExact = true;
    this.isLast = true;
    this.isLoaded = false;
    /** How often the list became another: an answer to what was asked before is about the one before. */
    this.round = 0;
    /** @type {"no" | "once" | "again"} */
    this.looking = "no";
    /** @type {string | null} */
    this.current = null;
    /** @type {AbortController | null} */
    this.asking = null;
    /** @type {Map<string, HTMLElement>} */
    this.drawn = new Map();
    this.blank = el("div", { class: "blank" });
    this.root = el("div", { class: "rows-frame" }, this.box, this.blank);
    this.blank.hidden = true;
    this.box.addEventListener("scroll", () => { this.scrolled(); this.paint(); }, { passive: true });
    new ResizeObserver(() => {
      // What was to be seen before there was anything to see.
      if (this.isUnseen && this.box.clientHeight) this.mark(this.current);
      else this.paint();
    }).observe(this.box);
  }

  get height() { return this.total * this.options.height; }

  /** Begins at the newest. @param {boolean} [isRefresh] not where somebody has begun to read further down by then */
  async reload(isRefresh = false) {
    await this.alone(this.reloadOnce(isRefresh));
  }

  /** While the run is begun anew, who would look or refresh waits. @type {Promise<void> | null} */
  beginning = null;

  /** @param {Promise<void>} work */
  async alone(work) {
    this.beginning = work;
    await work;
    if (this.beginning === work) this.beginning = null;
  }

  /** @param {boolean} isRefresh */
  async reloadOnce(isRefresh) {
    this.round += 1;
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    try {
      const page = await this.options.load({ limit: PAGE }, asking.signal);
      if (asking.signal.aborted) return;
      if (isRefresh && this.top >= this.options.height) { this.asking = this.beginning = null; this.refresh(); return; }
      this.entries = page.entries;
      this.newest = page.entries[0]?.id;
      this.start = 0;
      this.isLast = page.next === null;
      this.count(this.isLast ? page.entries.length : page.total, page.isExact);
      this.lift(0);
      this.isLoaded = true;
      this.asking = null;
      this.redraw();
    } catch (error) {
      if (!asking.signal.aborted) { this.asking = null; this.options.failed(error); }
    }
  }

  /** Looks again without taking anybody away from where they read. */
  refresh() {
    // What is to be seen first may lie far below, although the list still stands at its top.
    if (this.beginning || this.isUnseen) { void this.look(); return; }
    const { height } = this.options;
    const at = Math.floor(this.top / height) - this.start - PAGE / 4;
    // Who has dragged far may look at nothing that is held.
    const read = this.entries[Math.max(0, Math.min(at, this.entries.length - 1))];
    if (!this.isLoaded || !read) void this.reload();
    else if (this.top < height) void this.reload(true);
    else void this.runFrom(read.id, (page, change) => this.steadily(change)).then(() => this.redraw()).then(() => this.look());
  }

  /** Puts in front what has come, and counts anew. One look at a time; what happens during one is seen by the next. */
  async look() {
    if (this.looking !== "no") { this.looking = "again"; return; }
    do {
      this.looking = "once";
      // Where doorpost does not answer, the next event looks again.
      await this.lookOnce().catch(() => {});
    } while (/** @type {string} */ (this.looking) === "again");
    this.looking = "no";
  }

  async lookOnce() {
    if (this.beginning) await this.beginning;
    if (!this.isLoaded) return;
    const { round, newest, options } = this;
    if (newest === undefined) { await this.reload(); return; }
    const first = this.entries[0]?.id;
    const [fresh, whole, above] = await Promise.all([
      options.load({ since: newest, limit: PAGE }), options.load({ limit: 1 }),
      this.start > 0 && first ? options.load({ since: first, limit: 1 }) : null]);
    if (round !== this.round) return;
    const joins = fresh.next === null;
    const wasAtTop = this.top < options.height / 2;
    if (!joins && wasAtTop) { await this.reload(true); return; }
    const held = Number(this.entries[0]?.id ?? 0);
    const front = fresh.entries.filter((entry) => Number(entry.id) > held);
    this.steadily(() => {
      this.newest = fresh.entries[0]?.id ?? newest;
      if (this.start > 0) this.start = above?.isExact && this.entries[0]?.id === first ? Math.max(1, above.total) : this.start + front.length;
      else if (joins) this.entries.unshift(...front);
      else this.start = fresh.total;
      if (wasAtTop && this.entries.length > HELD) { this.entries.length = HELD; this.isLast = false; }
      this.count(whole.total, whole.isExact);
    });
    if (wasAtTop) for (const entry of front.slice(0, 20)) this.drawn.get(entry.id)?.classList.add("fresh");
  }

  /** @param {number} total @param {boolean} [isExact] */
  count(total, isExact = this.isExact) {
    this.total = Math.max(total, this.start + this.entries.length);
    this.isExact = isExact;
    this.options.counted(this.total, isExact);
  }

  /** Changes the run so that what is read stays where it is; who is at the top sees what is new. @param {() => void} change */
  steadily(change) {
    const { height } = this.options;
    const { top, start } = this;
    const first = Math.max(0, Math.floor(top / height) - start);
    const seen = top < height / 2 ? [] : this.entries.slice(first, first + 30);
    change();
    this.stretch();
    const places = new Map(this.entries.map((entry, at) => [entry.id, this.start + at]));
    const kept = seen.findIndex((entry) => places.has(entry.id));
    const moved = kept < 0 ? 0 : (places.get(seen[kept].id) ?? 0) - (start + first + kept);
    if (moved) this.lift(top + moved * height);
    this.paint();
  }

  /** Draws what is seen, and asks for what is missing. */
  paint() {
    const { height } = this.options;
    this.stretch();
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
    if (this.box.clientHeight) void this.fill(first, last);
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
    if (first > end + PAGE || last < this.start - PAGE) {
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
      if (asking.signal.aborted) return;
      this.asking = null;
      if (way === 1) this.append(page);
      else if (way === -1) this.prepend(page);
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

  /** The newest that is known; all up to it are in the run, or above it, or below it. @type {string | undefined} */
  newest;

  /** @param {number} place @param {Page<T>} page */
  begin(place, page) {
    if (!page.entries.length) return;
    this.entries = page.entries;
    this.start = page.entries[0].id === this.newest ? 0 : Math.max(1, place);
    this.isLast = page.next === null;
    this.settle();
  }

  /** @param {Page<T>} page */
  append(page) {
    this.entries.push(...page.entries);
    this.isLast = page.next === null;
    const over = this.entries.length - HELD;
    if (over > 0) {
      if (this.start === 0) this.newest = this.entries[0].id;
      this.entries.splice(0, over);
      this.start += over;
    }
    this.settle();
  }

  /** @param {Page<T>} page */
  prepend({ entries, next }) {
    // More than a page lies so far up, and its end does not reach down to the run.
    if (next !== null) { this.reach = Math.ceil(this.reach / 2); return; }
    if (!entries.length) {
      if (Number(this.entries[0].id) + this.reach > Number(this.newest ?? 0)) this.steadily(() => { this.start = 0; });
      this.reach *= 4;
      return;
    }
    this.reach = PAGE + 1;
    this.steadily(() => {
      this.entries.unshift(...entries);
      const over = this.entries.length - HELD;
      if (over > 0) { this.entries.splice(-over); this.isLast = false; }
      const isAll = Number(entries[0].id) >= Number(this.newest ?? 0);
      if (isAll) this.newest = entries[0].id;
      this.start = isAll ? 0 : Math.max(1, this.start - entries.length);
      this.count(this.total);
    });
  }

  /** The end is known for sure: places are put right. */
  settle() {
    const end = this.start + this.entries.length;
    if (!this.isLast) { if (end >= this.total) this.count(end + 1); return; }
    if (this.start > 0 && end !== this.total) this.start = Math.max(0, this.total - this.entries.length);
    else if (end !== this.total) this.count(end);
  }

  /** Takes entries away. How many are left behind those that are held, a look tells. @param {(entry: T) => boolean} isGone */
  drop(isGone) {
    const left = this.entries.filter((entry) => !isGone(entry));
    const gone = this.entries.length - left.length;
    if (!gone) return;
    this.steadily(() => {
      this.entries = left;
      this.count(Math.max(left.length, this.total - gone));
    });
    if (!left.length && this.total > 0) void this.reload();
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

  /** Begins the run anew at an entry. @param {string} id @param {(page: Page<T>, change: () => void) => void} found may do it */
  async runFrom(id, found) {
    await this.alone(this.runFromOnce(id, found));
  }

  /** @param {string} id @param {(page: Page<T>, change: () => void) => void} found */
  async runFromOnce(id, found) {
    this.round += 1;
    this.asking?.abort();
    const { signal } = (this.asking = new AbortController());
    const range = { cursor: String(Number(id) + 1), limit: PAGE };
    const [page, above] = await Promise.all([this.options.load(range, signal), this.options.load({ since: id, limit: 1 }, signal)]).catch(() => [null, null]);
    if (signal.aborted) return;
    this.asking = null;
    if (page?.entries.length && above) found(page, () => {
      this.entries = page.entries;
      this.start = above.total;
      if (!above.total) this.newest = page.entries[0].id;
      this.isLast = page.next === null;
      this.settle();
    });
  }

  /** Shows an entry in its place, wherever in the list it is. @param {string | null} id */
  async goTo(id) {
    this.mark(id);
    if (!id || !this.isLoaded || this.find(id)) return;
    await this.runFrom(id, (page, change) => {
      // It may be in no list, or in another.
      if (page.entries[0].id === id && this.current === id) change();
    });
    if (this.current === id) this.mark(id);
    else this.paint();
  }

  /** Whether the current entry could not be brought into sight, since the list was not seen itself. */
  isUnseen = false;

  /** @param {string | null} id */
  mark(id) {
    this.current = id;
    const at = this.entries.findIndex((entry) => entry.id === id);
    const seen = this.box.clientHeight;
    this.isUnseen = !seen;
    if (at >= 0 && seen) {
      const from = (this.start + at) * this.options.height;
      const to = from + this.options.height;
      this.stretch();
      if (from < this.top) this.lift(from);
      else if (to > this.top + seen) this.lift(to - seen);
    }
    this.paint();
  }
}

// @ts-check
// A box that scrolls over more pixels than a browser can: beyond those the list moves under a shorter scrollbar. It knows
// nothing of what is in it.

import { el } from "./dom.js";

/** Pixels that a browser scrolls reliably. */
const TALLEST = 8_000_000;

export class Scroller {
  /** @param {HTMLElement} box */
  constructor(box) {
    this.box = box;
    this.sheet = el("div", { class: "sheet", role: "presentation" });
    box.append(this.sheet);
    /** How far the list lies above where the scrollbar says. */
    this.shift = 0;
    this.lastTop = 0;
  }

  /** The pixels of the whole list. */
  get height() { return 0; }
  get tall() { return Math.min(this.height, TALLEST); }
  /** The pixel of the whole list that is at the top. */
  get top() { return this.box.scrollTop + this.shift; }

  stretch() { this.sheet.style.height = `${this.tall}px`; }

  /** Brings a pixel of the whole list to the top. @param {number} whole */
  lift(whole) {
    const seen = this.box.clientHeight;
    const most = Math.max(0, this.height - seen);
    const wanted = Math.max(0, Math.min(whole, most));
    const isShort = this.height <= this.tall;
    const place = isShort ? wanted : Math.round((wanted / most) * (this.tall - seen));
    this.box.scrollTop = place;
    this.lastTop = this.box.scrollTop;
    this.shift = isShort ? 0 : wanted - this.lastTop;
  }

  /** Follows the scrollbar: exactly where it moves a little, and to the place that it stands for where it is dragged far. */
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
  }
}

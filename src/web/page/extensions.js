// @ts-check
// The lines of EHLO's reply, each with what it offers: shown where one points at it, or comes to it by the keyboard.

import { el } from "./dom.js";

/** @type {Record<string, [string, string]>} */
const EXTENSIONS = {
  SIZE: ["The largest message, in octets. The client may say how large its own is behind MAIL, and is refused before it has sent it.", "RFC 1870 §3"],
  PIPELINING: ["Several commands may be sent without waiting for each reply, up to DATA.", "RFC 2920 §3"],
  STARTTLS: ["TLS can begin on this connection. Nobody has vouched for this line: who sits in between can take it out.", "RFC 3207 §4"],
  AUTH: ["The ways to log in, named behind it. PLAIN and LOGIN show the password to the server, so they belong under TLS.", "RFC 4954 §3"],
  DSN: ["The client may ask for a report: when (NOTIFY), with what in it (RET), and under which name (ENVID, ORCPT).", "RFC 3461 §3"],
  CHUNKING: ["BDAT may be used in place of DATA: pieces with their length in front, and no dots to escape.", "RFC 3030 §2"],
  BINARYMIME: ["A message may hold any octets, NUL and lines of any length, where it comes by BDAT.", "RFC 3030 §3"],
  SMTPUTF8: ["Addresses and header may be UTF-8, where MAIL says so.", "RFC 6531 §3.2"],
  LIMITS: ["How much is taken: RCPTMAX recipients a message, MAILMAX messages a connection.", "RFC 9422 §4"],
  ENHANCEDSTATUSCODES: ["Replies have a second code of three numbers, such as 5.1.1, that says more exactly what it is about.", "RFC 2034 §3"],
  "8BITMIME": ["A message may hold octets above 127 as they are, where MAIL says BODY=8BITMIME.", "RFC 6152 §2"],
  ETRN: ["A client that was away may ask for the mail that waits for it.", "RFC 1985 §3"],
  REQUIRETLS: ["A message may demand that it travels under TLS on its whole way.", "RFC 8689 §2"],
  DELIVERBY: ["The client may say by when a message has to be there.", "RFC 2852 §3"],
  FUTURERELEASE: ["The client may say when a message is to be sent on.", "RFC 4865 §3"],
  "MT-PRIORITY": ["A message may have a priority.", "RFC 6710 §4"],
  HELP: ["The server has help for people.", "RFC 5321 §4.1.1.8"],
  VRFY: ["One may ask whether a mailbox exists.", "RFC 5321 §3.5"],
};

let number = 0;

/**
 * The reply to EHLO as elements: the first line as it is, each other with its explanation.
 * @param {string} text @returns {(Node | string)[]}
 */
export function extensions(text) {
  const [first, ...rest] = text.split("\n");
  /** @type {(line: string) => (Node | string)[]} */
  const draw = (line) => {
    const keyword = line.replace(/^250[ -]/, "").split(/[ =]/)[0].toUpperCase();
    const known = Object.hasOwn(EXTENSIONS, keyword) ? EXTENSIONS[keyword] : null;
    if (!known) return [el("br"), line];
    const id = `extension-${(number += 1)}`;
    // The reply's code is not a part of the name; a screen reader hears what one would point at.
    return [el("span", { class: "extension" },
      el("button", { type: "button", class: "term", "aria-describedby": id, onkeydown: dismiss }, line),
      el("span", { class: "tip", role: "tooltip", id }, known[0], " ", el("cite", {}, known[1])))];
  };
  return [first, ...rest.flatMap(draw)];
}

/** Esc takes the explanation away and leaves one where one is. @param {KeyboardEvent} event */
function dismiss(event) {
  const term = /** @type {HTMLElement} */ (event.currentTarget);
  if (event.key !== "Escape" || term.classList.contains("quiet")) return;
  event.stopPropagation();
  term.classList.add("quiet");
  term.addEventListener("blur", () => term.classList.remove("quiet"), { once: true });
}

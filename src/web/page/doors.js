// @ts-check
// The view of the doors: what each is for, what it wants, what it has seen, and the settings to paste.

import { get } from "./api.js";
import { calmly, copyButton, el, size, svg } from "./dom.js";
import * as live from "./live.js";
import { PROGRAMS } from "./settings.js";

/** @typedef {import("./api.js").Door} Door */

/** What a port is for, where it stands for a known one. @type {Record<number, { title: string, text: string, rfc: string }>} */
const PURPOSE = {
  25: { title: "Relay", text: "Servers hand mail to each other here. Nobody logs in: the next server does not know you.", rfc: "RFC 5321" },
  587: { title: "Submission", text: "Programs hand in mail for a user. It begins in the clear, and TLS is demanded before the login.", rfc: "RFC 6409" },
  465: { title: "Submissions", text: "The same with TLS from the first byte. What new programs should use.", rfc: "RFC 8314" },
  2525: { title: "Alternate", text: "Submission where a network blocks 587. Many providers have it; no RFC does.", rfc: "no RFC" },
};

/** A door's policy in words. @param {Door} door */
function policy(door) {
  const tls = { none: "TLS is not offered.", starttls: "TLS is offered by STARTTLS, and may be left out.", required: "STARTTLS comes first: before it, mail and logins are refused.", implicit: "TLS begins with the first byte; there is no STARTTLS." }[door.tls];
  const ways = door.mechanisms.join(", ");
  const auth = { none: "Nobody logs in.", optional: `A login is offered (${ways}), and may be left out.`, required: `Mail wants a login (${ways}).` }[door.auth];
  const before = door.auth !== "none" && door.tls === "starttls" && (door.auth_before_tls ? "The login may cross in the clear." : "The login waits for TLS.");
  return [tls, auth, before, `A message has at most ${door.max_size % 1048576 ? size(door.max_size) : `${door.max_size / 1048576} MiB`}.`].filter(Boolean).join(" ");
}

/** @param {Door} door */
function portOf(door) {
  return door.addresses[0]?.split(":").pop() ?? "";
}

/** Whether a name or an address is this machine's own for itself. @param {string} host */
const isLoopback = (host) => /^(localhost|.+\.localhost|127\.[\d.]+|\[::1\])$/i.test(host);

/**
 * A name under which the door can be reached from where the page is looked at: `localhost`, which is in the certificate, only
 * on this very machine, and where the door listens on what that name stands for.
 * @param {Door} door
 */
function hostOf(door) {
  const own = location.hostname;
  const hosts = door.addresses.map((one) => one.slice(0, one.lastIndexOf(":")));
  const isEverywhere = hosts.some((host) => host === "0.0.0.0" || host === "[::]");
  if (isLoopback(own) && (isEverywhere || hosts.some((host) => host === "127.0.0.1" || host === "[::1]"))) return "localhost";
  if (isEverywhere || !hosts.length || hosts.includes(own)) return own;
  // A name may well stand for the address that the door listens on; another address does not.
  const isName = !/^[\d.]+$|^\[/.test(own);
  return isName && !isLoopback(own) && !isLoopback(hosts[0]) ? own : hosts[0];
}

export function doorsView() {
  const cards = el("div", { class: "cards" });
  const settings = el("section", { class: "settings", "aria-labelledby": "settings-title" });
  const root = el("div", { class: "doors" }, el("div", { class: "inner" },
    el("section", { "aria-labelledby": "way-title" }, el("h2", { id: "way-title" }, "How mail travels"), journey(),
      el("p", { class: "lead" }, "Your program hands mail in at a submission door; servers pass it on at the relay door, until it lies in a mailbox. Here all doors are one program, and the mail ends in this page.")),
    el("section", { "aria-labelledby": "doors-title" }, el("h2", { id: "doors-title" }, "The doors"), cards), settings));
  /** @type {Door[]} */
  let doors = [];
  /** @type {string | null} */
  let ca = null;
  let chosenDoor = "";
  let chosenProgram = PROGRAMS[0].id;

  /** @param {Door} door */
  function card(door) {
    const purpose = PURPOSE[door.stands_for ?? 0];
    const number = (/** @type {string} */ label, /** @type {string} */ key) => el("div", {}, el("dt", {}, label), el("dd", { "data-count": `${door.name} ${key}` }));
    return el("article", { class: "card", "aria-labelledby": `door-${door.name}` },
      el("div", { class: "card-top" }, el("span", { class: "port", title: "the port it stands for" }, door.stands_for ?? portOf(door)),
        el("div", {}, el("h3", { id: `door-${door.name}` }, door.name), el("p", { class: "soft" }, purpose?.title && purpose.title.toLowerCase() !== door.name ? `${purpose.title} · ` : "", purpose?.rfc ?? "a door of your own")),
        el("span", { class: "accepting", "data-count": `${door.name} accepting` })),
      el("p", { class: "purpose" }, purpose?.text ?? "A door that you have set up."),
      el("p", { class: "chips" }, el("span", { class: door.tls === "none" ? "chip clear" : "chip secure" }, { none: "no TLS", starttls: "STARTTLS", required: "STARTTLS demanded", implicit: "TLS at once" }[door.tls]),
        el("span", { class: "chip" }, { none: "no AUTH", optional: "AUTH offered", required: "AUTH demanded" }[door.auth])),
      el("p", { class: "policy" }, policy(door)),
      el("p", { class: "where" }, el("code", {}, `${hostOf(door)}:${portOf(door)}`), copyButton(() => `${hostOf(door)}:${portOf(door)}`, "Copy", { class: "plain", "aria-label": `Copy the address of ${door.name}` })),
      el("dl", { class: "counts" }, number("messages", "messages"), number("sessions", "sessions"), number("refused", "refused"), number("turned away", "turned_away")));
  }

  function counts() {
    for (const door of doors) {
      for (const key of /** @type {("messages" | "sessions" | "refused" | "turned_away")[]} */ (["messages", "sessions", "refused", "turned_away"])) {
        const shown = /** @type {HTMLElement | null} */ (cards.querySelector(`[data-count="${CSS.escape(door.name)} ${key}"]`));
        const text = door[key].toLocaleString("en");
        if (shown && shown.textContent !== text) {
          if (shown.textContent) { shown.classList.remove("changed"); void shown.offsetWidth; shown.classList.add("changed"); }
          shown.textContent = text;
        }
      }
      const state = cards.querySelector(`[data-count="${CSS.escape(door.name)} accepting"]`);
      if (state) { state.textContent = door.accepting ? "open" : "closed"; state.classList.toggle("bad", !door.accepting); }
    }
  }

  function paste() {
    const door = doors.find((one) => one.name === chosenDoor) ?? doors[0];
    if (!door) { settings.replaceChildren(); return; }
    const program = PROGRAMS.find((one) => one.id === chosenProgram) ?? PROGRAMS[0];
    const text = program.write({ host: hostOf(door), port: portOf(door), tls: door.tls, login: door.auth === "required", ca });
    const pick = (/** @type {string} */ label, /** @type {[string, string][]} */ all, /** @type {string} */ value, /** @type {(value: string) => void} */ chosen) => {
      const list = el("select", { "aria-label": label, onchange: () => { chosen(list.value); paste(); settings.querySelector(`select[aria-label="${label}"]`)?.dispatchEvent(new Event("focusin")); /** @type {HTMLElement | null} */ (settings.querySelector(`select[aria-label="${label}"]`))?.focus(); } },
        ...all.map(([id, name]) => el("option", { value: id, selected: id === value }, name)));
      return list;
    };
    settings.replaceChildren(el("h2", { id: "settings-title" }, "Settings to paste"),
      el("div", { class: "tools" },
        pick("Program", PROGRAMS.map((one) => [one.id, one.name]), program.id, (value) => { chosenProgram = value; }),
        pick("Door", doors.map((one) => [one.name, `${one.name}, ${hostOf(one)}:${portOf(one)}`]), door.name, (value) => { chosenDoor = value; }),
        el("span", { class: "gap" }), copyButton(() => text, "Copy", { class: "plain" })),
      el("pre", { tabindex: 0, "aria-label": `Settings for ${program.name}` }, text),
      el("p", { class: "soft" }, ...(ca ? ["The certificate comes from doorpost's own CA, which lies in ", el("code", { class: "ca" }, ca), ". ", copyButton(() => ca ?? "", "Copy", { class: "plain", "aria-label": "Copy the path of the CA" }), " ", el("code", {}, "doorpost cert"), " prints how each program is made to trust it. "] : ["The CA of the certificate lies in no file here: programs have to know it by themselves. "]), "Until you name users, any name and password are taken."));
  }

  async function load() {
    const before = doors.map((one) => one.name).join();
    const now = await get("/api/doors").catch(() => ({ doors, ca }));
    const isMoved = now.ca !== ca;
    ({ doors, ca } = now);
    if (isMoved || doors.map((one) => one.name).join() !== before) {
      cards.replaceChildren(...doors.map(card));
      chosenDoor ||= (doors.find((one) => one.auth === "required") ?? doors[0])?.name ?? "";
      paste();
    }
    counts();
  }
  const again = calmly(200, () => { if (root.isConnected) void load(); });
  for (const kind of /** @type {import("./live.js").Kind[]} */ (["session", "message", "finding", "anew"])) live.on(kind, again);

  return { root, show() { void load(); }, key: () => false };
}

/** A picture: client → submission → relay → mailbox. */
function journey() {
  const picture = svg("svg", { class: "journey", viewBox: "0 40 800 112", role: "img", "aria-label": "A program hands a message in at port 587, 465 or 2525. The server of the sender passes it on at port 25 to the server of the recipient, which puts it into the mailbox." });
  const box = (/** @type {number} */ x, /** @type {number} */ width, /** @type {string} */ kind, /** @type {string} */ title, /** @type {string} */ text) => svg("g", { class: kind },
    svg("rect", { x, y: 45, width, height: 60, rx: 8 }), svg("text", { x: x + width / 2, y: 71, class: "name" }, title), svg("text", { x: x + width / 2, y: 90, class: "small" }, text));
  const arrow = (/** @type {number} */ from, /** @type {number} */ to, /** @type {string} */ ports, /** @type {string} */ note, /** @type {string} */ kind) => svg("g", { class: `arrow ${kind}` },
    svg("path", { d: `M${from} 75H${to - 7}` }), svg("path", { class: "head", d: `M${to - 9} 70l9 5-9 5z` }),
    svg("text", { x: (from + to) / 2, y: 64, class: "ports" }, ports), svg("text", { x: (from + to) / 2, y: 94, class: "small" }, note));
  picture.append(
    box(4, 120, "end", "your program", "the client"),
    arrow(124, 268, "587 · 465 · 2525", "logs in, under TLS", "secure"),
    box(268, 140, "server", "submission", "the sender's server"),
    arrow(408, 512, "25", "no login", "open"),
    box(512, 140, "server", "relay", "the recipient's server"),
    arrow(652, 700, "", "", "open"),
    box(700, 96, "end", "mailbox", "the reader"),
    svg("path", { class: "brace", d: "M268 116v5q0 5 5 5h374q5 0 5-5v-5" }),
    svg("text", { x: 460, y: 144, class: "small" }, "doorpost plays both servers"));
  return el("div", { class: "journey-frame", tabindex: 0, role: "group", "aria-label": "Picture: how mail travels" }, picture);
}

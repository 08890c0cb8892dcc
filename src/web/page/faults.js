// @ts-check
// The view of the faults: which rules run and how often they struck, and those that come along, to switch on.

import { ask, get, Problem } from "./api.js";
import { button, calmly, el, prose, toast } from "./dom.js";
import * as live from "./live.js";

/** @typedef {{ name: string, at: string, met: number, struck: number }} Rule */
/** @typedef {{ scenario: string, rules: Rule[], inboxes: string[], magic: boolean }} Faults */
/** @typedef {{ name: string, about: string, value: string | null, usual_value: string | null, scenario: string }} Preset */

/** Rules beneath each other, and what stands in front of them. @param {string} scenario */
function blocks(scenario) {
  const [head, ...rules] = scenario.split(/^(?=[ \t]*\[\[[ \t]*rules[ \t]*\]\])/m);
  return /^\s*\[\[/.test(head) ? { head: "", rules: [head, ...rules] } : { head, rules };
}

/** @param {{ counted: (rules: number) => void }} frame */
export function faultsView({ counted }) {
  /** @type {Faults | null} */
  let faults = null;
  /** @type {Preset[]} */
  let presets = [];
  let drawn = "";
  const running = el("div", { class: "running-rules" });
  const inboxes = el("p", { class: "soft" });
  const list = el("ul", { class: "presets" });
  const door = el("select", { "aria-label": "At which door" }, el("option", { value: "" }, "at every door"));
  const filter = el("input", { type: "search", "aria-label": "Filter the faults", placeholder: "Filter…", oninput: () => drawPresets() });
  const root = el("div", { class: "faults" }, el("div", { class: "inner" },
    el("section", { "aria-labelledby": "running-title" }, el("h2", { id: "running-title" }, "Faults in force"), running, inboxes),
    el("section", { "aria-labelledby": "presets-title" }, el("h2", { id: "presets-title" }, "Faults to switch on"),
      el("p", { class: "lead" }, "What happens to mail out there, on request: does your program try again, tell its user, keep what it has? Each is a few rules that you can copy and change (", el("code", {}, "doorpost faults"), ")."),
      el("div", { class: "tools" }, filter, door), list)));

  /** @param {() => Promise<Response>} change @param {string} done */
  async function change(change, done) {
    try {
      take(await (await change()).json());
      toast(done, { seconds: 3 });
    } catch (error) {
      toast(error instanceof Problem ? error.message : "doorpost does not answer");
    }
  }

  /** @param {object} body */
  const put = (body) => ask("/api/faults", { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

  /** @param {Preset} preset @param {string} value */
  function add(preset, value) {
    const spec = `${preset.name}${value ? `=${value}` : ""}${door.value ? `@${door.value}` : ""}`;
    void change(() => put({ scenario: faults?.scenario ?? "", faults: [spec] }), `${spec} is in force.`);
  }

  /** Leaves out the rules at these places. @param {number[]} places @param {string} name */
  function drop(places, name) {
    const { head, rules } = blocks(faults?.scenario ?? "");
    // Where the text is not as it is read here, the whole would be another than it seems.
    if (rules.length !== faults?.rules.length) { toast("These rules are written in a way that this page cannot take apart: change the file, or take all back."); return; }
    const scenario = head + rules.filter((_, at) => !places.includes(at)).join("");
    void change(() => (places.length === rules.length ? ask("/api/faults", { method: "DELETE" }) : put({ scenario })), `${name} is taken back.`);
  }

  /** Which rules of those in force come from a preset. @param {Preset} preset */
  function places(preset) {
    const rule = new RegExp(`^${preset.name}(-\\d+)?(\\.|$)`);
    return (faults?.rules ?? []).flatMap((one, at) => (rule.test(one.name) && !presets.some((other) => other !== preset && other.name.length > preset.name.length && one.name.startsWith(other.name)) ? [at] : []));
  }

  function drawRules() {
    const rules = faults?.rules ?? [];
    const now = JSON.stringify(rules.map(({ name, at }) => [name, at]));
    counted(rules.length);
    inboxes.textContent = faults?.inboxes.length ? `Of their own have faults: ${faults.inboxes.join(", ")}.` : "";
    if (now !== drawn) {
      drawn = now;
      running.replaceChildren(rules.length ? el("table", { class: "rules" },
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Rule"), el("th", { scope: "col" }, "At"), el("th", { scope: "col", class: "count-cell", title: "how often its conditions held" }, "Met"), el("th", { scope: "col", class: "count-cell" }, "Struck"), el("th", {}, el("span", { class: "hidden-text" }, "Change")))),
        el("tbody", {}, ...rules.map((rule, at) => el("tr", {}, el("th", { scope: "row" }, rule.name), el("td", {}, el("code", {}, rule.at)),
          el("td", { class: "count-cell", "data-rule": `${at} met` }), el("td", { class: "count-cell", "data-rule": `${at} struck` }),
          el("td", { class: "act" }, button("Take back", { class: "plain", "aria-label": `Take back ${rule.name}`, onclick: () => drop([at], rule.name) })))))) : el("p", { class: "none" }, "None: doorpost behaves."),
      rules.length > 0 && el("div", { class: "tools" }, button("Take all back", { onclick: () => void change(() => ask("/api/faults", { method: "DELETE" }), "doorpost behaves again.") }),
        el("span", { class: "soft" }, "What is changed begins to count anew.")) || "");
      drawPresets();
    }
    rules.forEach((rule, at) => {
      for (const key of /** @type {("met" | "struck")[]} */ (["met", "struck"])) {
        const cell = running.querySelector(`[data-rule="${at} ${key}"]`);
        if (cell) cell.textContent = rule[key].toLocaleString("en");
      }
    });
  }

  function drawPresets() {
    const word = filter.value.toLowerCase();
    const found = presets.filter((one) => `${one.name} ${one.about}`.toLowerCase().includes(word));
    list.replaceChildren(...found.map((preset) => {
      const on = places(preset);
      const value = preset.value ? el("input", { "aria-label": `${preset.name}: ${preset.value}`, title: preset.value, placeholder: preset.usual_value, size: 9, maxlength: 200 }) : null;
      return el("li", { class: on.length ? "preset on" : "preset" },
        el("div", {}, el("h3", {}, preset.name), el("p", { class: "soft" }, ...prose(preset.about))),
        value,
        button(on.length ? "On" : "Off", { role: "switch", "aria-checked": String(on.length > 0), "aria-label": preset.name, class: "switch",
          onclick: () => (on.length ? drop(on, preset.name) : add(preset, value?.value.trim() ?? "")) }));
    }), found.length ? "" : el("li", { class: "soft", role: "status" }, "No fault has that."));
  }

  /** @param {Faults} now */
  function take(now) {
    faults = now;
    drawRules();
  }

  async function load() {
    try {
      if (!presets.length) {
        const [{ presets: all }, { doors }] = await Promise.all([get("/api/faults/presets"), get("/api/doors")]);
        presets = all;
        drawn = "";
        door.append(...doors.map((/** @type {{ name: string }} */ one) => el("option", { value: one.name }, `at ${one.name}`)));
      }
      take(await get("/api/faults"));
    } catch (error) {
      running.replaceChildren(el("p", { class: "bad" }, error instanceof Problem ? error.message : "doorpost does not answer"));
      drawn = "";
    }
  }
  const again = calmly(200, () => { void get("/api/faults").then(take, () => {}); });
  for (const kind of /** @type {import("./live.js").Kind[]} */ (["session", "message"])) live.on(kind, () => { if (root.isConnected) again(); });
  // The bar counts them whatever is shown.
  live.on("anew", again);

  return { root, show() { void load(); }, key: () => false };
}

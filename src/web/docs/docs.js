"use strict";
// Reads the description and makes a form of each operation. Text only ever becomes text.

const SHOWN = 200000; // characters of an answer
const $ = (id) => document.getElementById(id);
let api;
let count = 0;

/** An element; `on…` are listeners, `true` sets an attribute without a value. */
function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
}

/** Text in which `…` is code. */
function prose(text = "") {
  return text.split("`").map((part, at) => (at % 2 ? el("code", {}, part) : part));
}

function resolve(schema) {
  return schema && schema.$ref ? api.components.schemas[schema.$ref.split("/").pop()] || {} : schema || {};
}

const nameOf = (schema) => (schema && schema.$ref ? schema.$ref.split("/").pop() : "");

function typeOf(schema) {
  if (!schema) return "anything";
  if (schema.$ref) return nameOf(schema);
  if (schema.oneOf) return schema.oneOf.map((one) => (one.type === "null" ? "null" : typeOf(one))).join(" | ");
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  const types = [].concat(schema.type || "object");
  return types.map((type) => (type === "array" ? `[${typeOf(schema.items)}]` : type === "string" && schema.format ? schema.format : type)).join(" | ");
}

/** What a schema allows, in words. */
function bounds(schema) {
  const said = [];
  const range = (low, high, what) => {
    if (low !== undefined && high !== undefined) said.push(`${low} to ${high}${what}`);
    else if (high !== undefined) said.push(`at most ${high}${what}`);
  };
  range(schema.minimum, schema.maximum, "");
  range(schema.minLength, schema.maxLength, " characters");
  range(schema.minItems, schema.maxItems, " of them");
  if (schema.default !== undefined) said.push(`otherwise ${schema.default}`);
  return said.join(", ");
}

/** A schema as text: its fields with their types, and those of what it is made of. */
function outline(schema) {
  const lines = [];
  const waiting = [schema];
  const done = new Set();
  const refer = (one) => {
    if (!one) return;
    if (one.$ref && !done.has(one.$ref)) { done.add(one.$ref); waiting.push(one); }
    refer(one.items);
    (one.oneOf || []).forEach(refer);
  };
  if (schema.$ref) done.add(schema.$ref);
  const fields = (one) => {
    (one.allOf || []).forEach((part) => fields(resolve(part)));
    for (const [name, field] of Object.entries(one.properties || {})) {
      refer(field);
      const optional = (one.required || []).includes(name) ? "" : "?";
      const note = (field.description || resolve(field).description || "").split("\n")[0].replaceAll("`", "");
      lines.push(`  ${name}${optional}: ${typeOf(field)}${note ? `  — ${note}` : ""}`);
    }
  };
  while (waiting.length) {
    const next = waiting.shift();
    const one = resolve(next);
    if (lines.length) lines.push("");
    if (one.properties || one.allOf) {
      lines.push(`${nameOf(next)} {`);
      fields(one);
      lines.push("}");
    } else {
      lines.push(`${nameOf(next)}${next.$ref ? " = " : ""}${typeOf(one)}`);
      refer(one);
    }
  }
  return lines.join("\n").trim();
}

function control(schema, example) {
  const id = `f${(count += 1)}`;
  const types = [].concat(schema.type || []);
  const hint = example !== undefined ? [].concat(example).join("\n") : schema.default;
  if (types.includes("boolean")) {
    return el("select", { id }, ...["", "true", "false"].map((value) => el("option", { value }, value || "—")));
  }
  if (types.includes("array")) return el("textarea", { id, rows: 2, placeholder: hint, spellcheck: "false" });
  const number = types.includes("integer");
  return el("input", {
    id, type: number ? "number" : "text", min: number ? schema.minimum : null, max: number ? schema.maximum : null,
    placeholder: hint, autocomplete: "off", autocapitalize: "off", spellcheck: "false",
  });
}

function parameterField(parameter) {
  const schema = resolve(parameter.schema);
  const input = control(schema, parameter.example);
  if (parameter.required && parameter.example !== undefined) input.value = parameter.example;
  const kind = parameter.in === "query" ? "" : parameter.in;
  const label = el("label", { for: input.id }, parameter.name, kind && " ", kind && el("small", {}, kind));
  const limits = bounds(schema);
  const note = [...prose(parameter.description), limits ? ` (${limits})` : ""];
  return { parameter, input, row: el("div", { class: "field" }, label, input, el("div", { class: "note" }, ...note)) };
}

function bodyField(body) {
  const [type, media] = Object.entries(body.content)[0];
  const schema = resolve(media.schema);
  const given = media.example !== undefined ? media.example : schema.example;
  const id = `f${(count += 1)}`;
  const input = el("textarea", { id, rows: 6, spellcheck: "false" });
  if (given !== undefined) input.value = typeof given === "string" ? given : JSON.stringify(given, null, 2);
  const label = el("label", { for: id }, "body ", el("small", {}, type));
  const shape = type === "application/json" ? el("pre", {}, outline(media.schema)) : null;
  return { type, input, row: el("div", { class: "field wide" }, label, input, shape) };
}

/** The request that the form stands for. */
function request(path, method, fields, body) {
  const query = new URLSearchParams();
  const headers = {};
  let target = path;
  for (const { parameter, input } of fields) {
    const values = [].concat(resolve(parameter.schema).type).includes("array") ? input.value.split("\n") : [input.value];
    for (const value of values.map((text) => text.trim()).filter(Boolean)) {
      if (parameter.in === "path") target = target.replace(`{${parameter.name}}`, encodeURIComponent(value));
      else if (parameter.in === "header") headers[parameter.name] = value;
      else query.append(parameter.name, value);
    }
  }
  const missing = target.match(/\{(\w+)\}/);
  const text = query.toString();
  if (body) headers["Content-Type"] = body.type;
  return { missing: missing && missing[1], method: method.toUpperCase(), url: target + (text ? `?${text}` : ""), headers, body: body && body.input.value };
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function asCurl(asked) {
  const words = ["curl", asked.method === "GET" ? "" : `-X ${asked.method}`, quoted(location.origin + asked.url)];
  for (const [name, value] of Object.entries(asked.headers)) {
    words.push("-H", quoted(`${name}: ${value}`));
  }
  if (asked.body !== undefined) words.push("--data-binary", quoted(asked.body));
  return words.filter(Boolean).join(" ");
}

function pretty(text, type) {
  if (/json/.test(type)) {
    try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
  }
  return text;
}

/** Sends it and shows what comes, while it comes. */
async function send(asked, answer, signal) {
  const began = performance.now();
  const status = el("p", { role: "status" }, "Asking…");
  const headers = el("pre", {});
  const body = el("pre", { tabindex: "0", "aria-label": "body of the answer" });
  answer.replaceChildren(el("h3", {}, "Answer"), status, el("details", {}, el("summary", {}, "Headers"), headers), body);
  answer.hidden = false;
  const time = () => `${Math.round(performance.now() - began)} ms`;
  try {
    const response = await fetch(asked.url, { method: asked.method, headers: asked.headers, body: asked.body, signal });
    const type = response.headers.get("content-type") || "";
    headers.textContent = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    const head = el("b", { class: response.ok ? "good" : "bad" }, `${response.status} ${response.statusText}`);
    status.replaceChildren(head, ` · ${time()}`);
    let text = "";
    const decoder = new TextDecoder();
    const reader = response.body ? response.body.getReader() : null;
    for (let part; reader && !(part = await reader.read()).done;) {
      text = (text + decoder.decode(part.value, { stream: true })).slice(0, SHOWN);
      body.textContent = text;
    }
    body.textContent = pretty(text, type) || "(no body)";
    if (text.length >= SHOWN) body.append("\n… the rest is not shown");
    status.replaceChildren(head, ` · ${time()}`);
  } catch (error) {
    status.append(error.name === "AbortError" ? ` · stopped after ${time()}` : ` ${error.message}`);
  }
}

function responses(operation) {
  return Object.entries(operation.responses).map(([code, response]) => {
    const [type, media] = Object.entries(response.content || {})[0] || [];
    const title = el("summary", {}, el("b", {}, code), ` ${response.description} `, type ? el("small", { class: "soft" }, type) : null);
    const details = el("details", { class: "response" }, title);
    details.addEventListener("toggle", () => {
      if (details.open && details.children.length === 1) details.append(el("pre", {}, media ? outline(media.schema || {}) : "no body"));
    });
    return details;
  });
}

function inside(path, method, operation) {
  const fields = (operation.parameters || []).map(parameterField);
  const body = operation.requestBody && bodyField(operation.requestBody);
  const answer = el("div", { class: "answer", hidden: true });
  const curl = el("pre", { "aria-label": "the same with curl" });
  const button = el("button", { class: "send" }, "Send");
  const stop = el("button", { type: "button", hidden: true }, "Stop");
  const said = el("span", { class: "bad", role: "status" });
  const current = () => request(path, method, fields, body);
  const show = () => { curl.textContent = asCurl(current()); };
  let running;
  stop.addEventListener("click", () => running && running.abort());
  const form = el("form", { oninput: show, onsubmit: async (event) => {
    event.preventDefault();
    const asked = current();
    said.textContent = asked.missing ? `${asked.missing} is needed` : "";
    if (asked.missing) return;
    if (running) running.abort();
    const mine = (running = new AbortController());
    stop.hidden = false;
    await send(asked, answer, mine.signal);
    if (running === mine) stop.hidden = true;
  } },
  fields.length ? el("h3", {}, "Parameters") : null, ...fields.map((field) => field.row),
  body && body.row,
  el("div", { class: "actions" }, button, stop, said), curl);
  show();
  return el("div", { class: "inside" }, operation.description ? el("p", {}, ...prose(operation.description)) : null,
    form, answer, el("h3", {}, "What it can answer"), ...responses(operation));
}

function card(path, method, operation) {
  const details = el("details", { class: "operation", id: operation.operationId },
    el("summary", {}, el("span", { class: `method ${method}` }, method), el("span", { class: "path" }, path), el("span", { class: "summary" }, operation.summary || "")));
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(inside(path, method, operation));
  });
  details.dataset.text = `${method} ${path} ${operation.summary} ${operation.description}`.toLowerCase();
  return details;
}

function open() {
  const named = location.hash && $(decodeURIComponent(location.hash.slice(1)));
  if (named && named.matches("details")) {
    named.open = true;
    named.scrollIntoView();
  }
}

function find() {
  const words = $("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const section of document.querySelectorAll("section")) {
    const cards = [...section.querySelectorAll(".operation")];
    for (const one of cards) one.hidden = !words.every((word) => one.dataset.text.includes(word));
    section.hidden = cards.every((one) => one.hidden);
  }
  const none = [...document.querySelectorAll("section")].every((section) => section.hidden);
  $("state").textContent = none ? "No operation has these words." : "";
}

function build() {
  $("version").textContent = api.info.version;
  $("about").textContent = api.info.description;
  const main = $("operations");
  for (const tag of api.tags) {
    const cards = [];
    for (const [path, item] of Object.entries(api.paths)) {
      for (const [method, operation] of Object.entries(item)) {
        if ((operation.tags || []).includes(tag.name)) cards.push(card(path, method, operation));
      }
    }
    $("tags").append(el("a", { href: `#tag-${tag.name}` }, tag.name));
    main.append(el("section", { "aria-labelledby": `tag-${tag.name}` }, el("h2", { id: `tag-${tag.name}` }, tag.name), el("p", { class: "soft" }, tag.description || ""), ...cards));
  }
  $("state").textContent = "";
  $("find").addEventListener("input", find);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.matches("input, textarea, select")) {
      event.preventDefault();
      $("find").focus();
    }
  });
  addEventListener("hashchange", open);
  open();
}

fetch("/api/openapi.json").then((response) => {
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return response.json();
}).then((described) => {
  api = described;
  build();
}).catch((error) => {
  $("state").textContent = `The description could not be read: ${error.message}`;
});

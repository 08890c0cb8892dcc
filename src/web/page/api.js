// @ts-check
// What the page asks of the API, with the shapes of what comes back.

/**
 * @typedef {{ name: string | null, address: string }} Correspondent
 * @typedef {{ version: string, cipher: string, sni: string | null, alpn: string[] }} Tls
 * @typedef {{ path: string, notify: string | null, orcpt: string | null }} Recipient
 * @typedef {{ reverse_path: string, forward_paths: Recipient[], ret: string | null, envid: string | null, body: string, smtputf8: boolean }} Envelope
 * @typedef {{ id: string, received_at: string, door: string, session: string | null, size: number, auth_user: string | null,
 *   tls: Tls | null, envelope: Envelope, subject: string | null, from: Correspondent[], to: Correspondent[], date: string | null,
 *   message_id: string | null, inboxes: string[], read: boolean, tags: string[], has_attachment: boolean, is_bounce: boolean,
 *   peer: string, hello: string, protocol: string, received?: string, findings?: Finding[] }} Message
 * @typedef {{ id: string, content_type: string, charset: string | null, disposition: string | null, file_name: string | null,
 *   content_id: string | null, size: number, children: Part[] }} Part
 * @typedef {{ id: string, content_type: string, file_name: string | null, content_id: string | null, size: number, inline: boolean }} Attachment
 * @typedef {{ parts: Part, attachments: Attachment[], has_html: boolean, is_bounce: boolean, marked: string[] }} Parts
 * @typedef {{ name: string, value: string, raw: string, addresses: Correspondent[] }} HeaderField
 * @typedef {{ url: string, text: string | null, from: string, scheme: string | null, host: string | null, followable: boolean }} Link
 * @typedef {{ code: number, enhanced: string | null, text: string }} Reply
 * @typedef {{ at_us: number, kind: string, tls: boolean, text: string, note?: string }} Line
 * @typedef {{ code: string, severity: "error" | "warning" | "info", line: number | null, what: string, change: string | null, rfc: string | null, client: string | null }} Finding
 * @typedef {{ reverse_path: string, forward_paths: string[], recipients: number, size: number, verdict: string, message: string | null, reply: Reply | null }} Transaction
 * @typedef {{ id: string, door: string, peer: string, local: string, connected_at: string, ended_at: string | null,
 *   hello: { name: string, extended: boolean } | null, tls: Tls | null, auth: { user: string, mechanism: string } | null,
 *   messages: number, transactions: Transaction[], last_refusal: { command: string, reply: Reply } | null, notes: string[],
 *   ended: { code: string, text: string } | null, transcript?: Line[], omitted_lines?: number, findings?: Finding[] }} Session
 * @typedef {{ name: string, addresses: string[], stands_for: number | null, tls: string, auth: string, auth_before_tls: boolean,
 *   mechanisms: string[], max_size: number, accepting: boolean, sessions: number, messages: number, refused: number, turned_away: number }} Door
 * @typedef {{ status: number, detail: string, start?: number, end?: number, help?: string | null }} ProblemDetails
 */

/** What the API said was wrong. */
export class Problem extends Error {
  /** @param {ProblemDetails} details */
  constructor(details) {
    super(details.detail);
    this.details = details;
  }
}

/** @param {Response} response @returns {Promise<ProblemDetails>} */
async function problem(response) {
  try {
    return await response.json();
  } catch {
    return { status: response.status, detail: `${response.status} ${response.statusText}` };
  }
}

/** Signed out elsewhere, or too long ago: for who came in by the form, the page asks for the token again. */
export function askAgain() {
  if (document.getElementById("leave")) location.reload();
}

/**
 * @param {string} path @param {RequestInit} [options]
 * @returns {Promise<Response>}
 */
export async function ask(path, options) {
  const response = await fetch(path, options);
  if (response.status === 401) askAgain();
  if (!response.ok && response.type !== "opaqueredirect") throw new Problem(await problem(response));
  return response;
}

/** @param {string} path @param {AbortSignal} [signal] @returns {Promise<any>} */
export async function get(path, signal) {
  return (await ask(path, { signal })).json();
}

/** @param {string} path @param {object} body @returns {Promise<any>} */
export async function patch(path, body) {
  const options = { method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  return (await ask(path, options)).json();
}

/** A path with parameters; those without a value are left out. @param {string} path @param {Record<string, any>} given */
export function address(path, given) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined && value !== null && value !== "") query.set(name, String(value));
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/** Deletes these; those that are gone already are gone. @param {string[]} ids */
export async function remove(ids) {
  const waiting = [...ids];
  const worker = async () => {
    for (let id = waiting.pop(); id; id = waiting.pop()) {
      const response = await fetch(`/api/messages/${id}`, { method: "DELETE" });
      if (!response.ok && response.status !== 404) throw new Problem(await problem(response));
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
}

/** The same as the last word of a page that goes away: few requests, which outlive it. @param {string[]} ids */
export function removeAtLast(ids) {
  for (let at = 0; at < ids.length; at += 100) {
    const query = ids.slice(at, at + 100).map((id) => `id:${id}`).join(" OR ");
    void fetch(address("/api/messages", { query }), { method: "DELETE", keepalive: true });
  }
}

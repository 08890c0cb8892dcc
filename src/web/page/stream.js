// @ts-check
// The stream of events, one for all pages of a browser: it opens six connections to a host at most, and as many pages with
// a stream each would leave none for anything else. Runs as a shared worker, or in the page where there is none.

/**
 * What pages are told: an event, or `on`: from here on they are told what happens, in the start of doorpost of that name;
 * `off`: not any more; `out`: doorpost wants to know anew who asks.
 * @typedef {{ kind: string, data?: any }} Word
 */

/** Milliseconds until a stream is asked for again. */
const AGAIN = 2000;

/** Follows, and goes on whenever the connection was lost. @param {(word: Word) => void} tell */
export function stream(tell) {
  const open = () => {
    const source = new EventSource("/api/events");
    let turn = 0;
    /** Which start of doorpost this is; events wait for that. @type {Promise<void>} */
    let known = Promise.resolve();
    const give = (/** @type {Word} */ word) => void known.then(() => tell(word));
    for (const kind of ["message", "session", "finding", "deleted", "changed"]) {
      source.addEventListener(kind, (event) => give({ kind, data: JSON.parse(event.data) }));
    }
    for (const kind of ["reset", "too-slow"]) source.addEventListener(kind, () => give({ kind: "anew" }));
    const lose = async () => {
      turn += 1;
      tell({ kind: "off" });
      if (source.readyState !== EventSource.CLOSED) return;
      await run(tell);
      setTimeout(open, AGAIN);
    };
    source.addEventListener("open", () => {
      const mine = (turn += 1);
      known = run(tell).then((name) => {
        if (mine !== turn) return;
        if (name) tell({ kind: "on", data: name });
        else { source.close(); void lose(); }
      });
    });
    source.addEventListener("error", () => void lose());
  };
  open();
}

/** The name of this start of doorpost, where it says it. @param {(word: Word) => void} tell @returns {Promise<string | null>} */
async function run(tell) {
  try {
    const response = await fetch("/api/statistics");
    if (response.status === 401) tell({ kind: "out" });
    return response.ok ? (await response.json()).run : null;
  } catch {
    return null;
  }
}

if ("onconnect" in self) {
  /** @type {Set<MessagePort>} */
  const pages = new Set();
  /** @type {Word} */
  let state = { kind: "off" };
  self.onconnect = (/** @type {MessageEvent} */ event) => {
    const [page] = event.ports;
    pages.add(page);
    // All that a page ever says is that it goes.
    page.onmessage = () => pages.delete(page);
    page.postMessage(state);
  };
  stream((word) => {
    if (word.kind === "on" || word.kind === "off") state = word;
    for (const page of pages) page.postMessage(word);
  });
}

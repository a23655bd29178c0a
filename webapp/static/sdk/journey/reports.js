/**
 * Tells the server that a page broke, and how long its calls take: kinds, names and numbers, nothing that anybody typed.
 * @module
 */

const ERRORS = "/client-errors";
const METRICS = "/client-metrics";
// A whole waiting room has one address, and the server counts by address.
const PER_MINUTE = 6;
const TIMEOUT_MILLISECONDS = 9_500;
const SCRIPT = /([a-z0-9_-]{1,60}\.js)(?:[?#:]|$)/;
const CALLS = /** @type {[RegExp, string][]} */ ([
  [/\/auth\/(simple|staff)-login/, "login"],
  [/\/nfc\/scan/, "scan"],
  [/\/patient-journey\/current-state/, "current_state"],
  [/\/patient-journey\/perform-action/, "perform_action"],
  [/\/queue\//, "queue"],
  [/\/notifications/, "notifications"],
]);

/** @typedef {"journey"|"staff"|"hall"|"tag"} PageName */

export class PageReports {
  #page;
  #baseUrl;
  #fetch;
  #now;
  #sentAt = /** @type {number[]} */ ([]);

  /** @param {PageName} page @param {{baseUrl?: string, fetch?: typeof globalThis.fetch, now?: () => number}} [options] */
  constructor(page, { baseUrl = "/api/v1", fetch = globalThis.fetch.bind(globalThis), now = Date.now } = {}) {
    this.#page = page;
    this.#baseUrl = baseUrl;
    this.#fetch = fetch;
    this.#now = now;
  }

  /** From now on, what nobody catches is told. @param {EventTarget} [scope] */
  watch(scope = globalThis) {
    scope.addEventListener("error", (/** @type {any} */ { error, filename, lineno }) =>
      this.#report("error", error, { filename, line: lineno }),
    );
    scope.addEventListener("unhandledrejection", (/** @type {any} */ { reason }) =>
      this.#report("unhandledrejection", reason),
    );
    return this;
  }

  /** For a JourneyClient's `onDuration`. @param {string} _method @param {string} url @param {number} milliseconds
   * @param {number} status 0: no answer came */
  measure = (_method, url, milliseconds, status) => {
    const call = CALLS.find(([pattern]) => pattern.test(url))?.[1] ?? "other";
    this.#send(METRICS, { call, outcome: outcomeOf(status, milliseconds), duration_ms: Math.round(milliseconds) });
  };

  /** @param {"error"|"unhandledrejection"} kind @param {any} error @param {{filename?: string, line?: number}} [at] */
  #report(kind, error, { filename = "", line } = {}) {
    const [, script] = SCRIPT.exec(filename) ?? [];
    const name = /^[A-Za-z]{1,64}$/.test(error?.name ?? "") ? error.name : "Error";
    const where = { ...(script ? { script } : {}), ...(Number.isInteger(line) ? { line } : {}) };
    this.#send(ERRORS, { kind, name, page: this.#page, ...where });
  }

  /** What cannot be told is forgotten. @param {string} path @param {any} body */
  #send(path, body) {
    const now = this.#now();
    this.#sentAt = this.#sentAt.filter((at) => now - at < 60_000);
    if (this.#sentAt.length >= PER_MINUTE) return;
    this.#sentAt.push(now);
    const headers = { "Content-Type": "application/json" };
    this.#fetch(this.#baseUrl + path, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      credentials: "omit",
      keepalive: true,
    }).catch(() => null);
  }
}

/** @param {number} status @param {number} milliseconds */
function outcomeOf(status, milliseconds) {
  if (status === 0) return milliseconds >= TIMEOUT_MILLISECONDS ? "timeout" : "failed";
  if (status >= 500) return "failed";
  return status >= 400 ? "refused" : "ok";
}

/**
 * The admin API's runs, asked with the staff token. The token lives in this tab's sessionStorage and in one header;
 * never in an address, never beside a cookie.
 * @module
 */

import { WelnoError } from "../../sdk/core/errors.js";

const BASE = "/api/v1/admin";
const TOKEN_KEY = "welno_staff_token";
const TIMEOUT_MILLISECONDS = 15_000;
const OPEN_STATES = ["idle", "ready", "running", "waiting"];
// What a token looks like; anything else would not even fit into a header.
const TOKEN_FORM = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** How the list can be narrowed: the questions that the API knows. Several are merged into one list. */
export const FILTERS = {
  all: [{}],
  open: OPEN_STATES.map((state) => ({ state })),
  stopped: [{ state: "idle", errors: "true" }],
  failed: [{ errors: "true" }],
  waiting: [{ state: "waiting" }],
  running: [{ state: "running" }],
  ready: [{ state: "ready" }],
  idle: [{ state: "idle" }],
  ended: [{ state: "ended" }],
};

export class StaffApi {
  #token = sessionStorage.getItem(TOKEN_KEY);

  get signedIn() {
    return this.#token !== null;
  }

  /** Keeps the token only when the server takes it. @param {string} token */
  async signIn(token) {
    if (!TOKEN_FORM.test(token)) throw new WelnoError({ code: "TOKEN_MALFORMED", status: 401 });
    await call("GET", "/runs?limit=1", token);
    sessionStorage.setItem(TOKEN_KEY, token);
    this.#token = token;
  }

  /** This tab no longer has the token, which may still be good elsewhere. */
  forget() {
    sessionStorage.removeItem(TOKEN_KEY);
    this.#token = null;
  }

  /** The token opens nothing any more, for anybody. Forgotten here in any case; fails when the server was not told. */
  async signOut() {
    const token = this.#token;
    this.forget();
    await call("POST", "/sign-out", token);
  }

  /**
   * Newest change first. `before` is the last run of the page before.
   * @param {{filter: string, before: any, limit: number}} asked @returns {Promise<any[]>}
   */
  async list({ filter, before, limit }) {
    const place = before ? { before: before.updated_at, before_id: before.session_id } : {};
    const paging = { limit: String(limit), ...place };
    const ask = (/** @type {any} */ question) => this.#call("GET", `/runs?${new URLSearchParams({ ...question, ...paging })}`);
    const pages = await Promise.all(FILTERS[filter].map(ask));
    // Each page has its newest: together they hold the newest of all.
    const byId = new Map(pages.flatMap((page) => page.runs).map((run) => [run.session_id, run]));
    return [...byId.values()].sort(newestFirst).slice(0, limit);
  }

  /** @param {string} id */
  async story(id) {
    return (await this.#call("GET", `/runs/${id}`)).run;
  }

  /** @param {string} id @returns {Promise<any>} its story after that */
  async resume(id) {
    return (await this.#call("POST", `/runs/${id}/resume`)).run;
  }

  /** @param {string} id @returns {Promise<any>} its story after that: it may have ended otherwise meanwhile */
  async cancel(id) {
    return (await this.#call("POST", `/runs/${id}/cancel`)).run;
  }

  #call(method, path) {
    return call(method, path, this.#token);
  }
}

/** As the API sorts. */
function newestFirst(a, b) {
  if (a.updated_at !== b.updated_at) return a.updated_at < b.updated_at ? 1 : -1;
  return a.session_id < b.session_id ? -1 : 1;
}

async function call(method, path, token) {
  const reply = await ask(method, path, token);
  if (reply.status === 204) return null;
  const answer = await readJson(reply);
  if (reply.ok && answer !== null) return answer;
  const wait = Number(reply.headers.get("Retry-After"));
  throw new WelnoError({
    code: answer?.error?.code ?? `HTTP_${reply.status}`,
    status: reply.ok ? 502 : reply.status,
    message: answer?.error?.message,
    requestId: answer?.request_id ?? null,
    retryAfterSeconds: wait > 0 ? wait : null,
  });
}

async function ask(method, path, token) {
  try {
    return await fetch(BASE + path, {
      method,
      headers: { Accept: "application/json", Authorization: `Bearer ${token}` },
      credentials: "omit",
      cache: "no-store",
      keepalive: method === "POST", // also when the page is being left
      signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
    });
  } catch (cause) {
    throw new WelnoError({ code: "NETWORK_UNREACHABLE", status: 0, cause });
  }
}

async function readJson(reply) {
  try {
    return await reply.json();
  } catch {
    return null; // a proxy's page, or cut in the middle
  }
}

/**
 * The HTTP side of the client: one method per call, one kind of error.
 * @module
 */

import { WelnoStorage } from "./storage.js";

const TIMEOUT_MILLISECONDS = 20_000;
const PAGE_SIZE = 100;

/** @typedef {{user_name: string, phone_no: string, birthdate: string, private_auth_type: string, gender: string,
 *   oid?: string, redirect_path?: string, patient_uuid?: string, hospital_id?: string, terms_agreed?: boolean,
 *   terms_agreed_at?: string, terms_expires_at?: string}} StartForm */

/** What went wrong with a call. `code` is stable; `status` is 0 when no answer came at all. */
export class WelnoError extends Error {
  /** @param {{code: string, status: number, message?: string, details?: any, requestId?: string|null,
   *   retryAfterSeconds?: number|null, cause?: unknown}} facts */
  constructor({ code, status, message = code, details = null, requestId = null, retryAfterSeconds = null, cause }) {
    super(message, { cause });
    this.name = "WelnoError";
    this.code = code;
    this.status = status;
    this.details = details;
    this.requestId = requestId;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  get retryable() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export class WelnoClient {
  #baseUrl;
  #fetch;
  #storage;
  #timeout;
  #token = /** @type {string|null} */ (null);

  /** @param {{baseUrl?: string, fetch?: typeof globalThis.fetch, storage?: WelnoStorage, timeoutMilliseconds?: number}} [options] */
  constructor({
    baseUrl = "/api/v1",
    fetch = globalThis.fetch.bind(globalThis),
    storage = new WelnoStorage(),
    timeoutMilliseconds = TIMEOUT_MILLISECONDS,
  } = {}) {
    this.#baseUrl = baseUrl.replace(/\/$/, "");
    this.#fetch = fetch;
    this.#storage = storage;
    this.#timeout = timeoutMilliseconds;
  }

  /** For front ends of another site, which the cookie does not reach: `session_token` of the start, kept by them. */
  useToken(/** @type {string|null} */ token) {
    this.#token = token;
  }

  /** How a socket presents the token: its address ends up in logs. @returns {string[]} */
  get socketProtocols() {
    return this.#token ? ["welno.v1", `welno.token.${this.#token}`] : [];
  }

  /** Whose right to read this is: tabs with the same one may share what they read. */
  get right() {
    return this.#token ? `token:${this.#token.split(".")[0]}` : "cookie";
  }

  /** The address of a session's socket. @param {string} sessionId @param {{seq: number, epoch: string|null}} cursor */
  socketUrl(sessionId, cursor) {
    const url = new URL(`${this.#baseUrl}/tilko/ws/${encodeURIComponent(sessionId)}`, globalThis.location?.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.search = cursorQuery(cursor);
    return url.href;
  }

  /** @param {StartForm} form */
  startSession(form) {
    return this.#call("POST", "/tilko/session/start", { body: form });
  }

  /** Sends the push to the phone; a second call while it waits sends none. @param {string} sessionId */
  simpleAuth(sessionId) {
    return this.#session("POST", `/tilko/session/simple-auth?session_id=${encodeURIComponent(sessionId)}`);
  }

  /** "I have approved": harmless when the collection already runs. @param {string} sessionId */
  collectData(sessionId) {
    return this.#session("POST", `${sessionPath(sessionId)}/collect-data`);
  }

  /** @param {string} sessionId */
  status(sessionId) {
    return this.#session("GET", `${sessionPath(sessionId)}/status`);
  }

  /** The events after a number. @param {string} sessionId @param {{seq: number, epoch: string|null}} cursor */
  messages(sessionId, cursor) {
    return this.#session("GET", `${sessionPath(sessionId)}/messages?${cursorQuery(cursor)}`);
  }

  /** The events after a number as server-sent events, until `signal` ends them.
   * @param {string} sessionId @param {{seq: number, epoch: string|null}} cursor @param {AbortSignal} signal */
  async events(sessionId, cursor, signal) {
    const accept = "text/event-stream";
    const path = `${sessionPath(sessionId)}/events?${cursorQuery(cursor)}`;
    const reply = await this.#ask("GET", path, undefined, { accept, signal });
    if (reply.ok && reply.headers.get("Content-Type")?.startsWith(accept)) return reply;
    throw errorFrom(reply, await readJson(reply));
  }

  /** @param {string} sessionId */
  cancel(sessionId) {
    return this.#session("DELETE", sessionPath(sessionId));
  }

  /** All stored checkups, newest first. @param {string} uuid @returns {Promise<any[]>} */
  checkups(uuid) {
    return this.#all(`${patientPath(uuid)}/checkups`);
  }

  /** All stored prescriptions, newest first. @param {string} uuid @returns {Promise<any[]>} */
  prescriptions(uuid) {
    return this.#all(`${patientPath(uuid)}/prescriptions`);
  }

  /** The newest report, or null where there is none (yet). @param {string} uuid */
  async report(uuid) {
    return (await this.#call("GET", `${patientPath(uuid)}/report`)).report ?? null;
  }

  /** @param {string} uuid @param {string} password six digits */
  setPassword(uuid, password) {
    return this.#password(uuid, "set", { password });
  }

  /** Opens the records to this browser. @param {string} uuid @param {string} password */
  verifyPassword(uuid, password) {
    return this.#password(uuid, "verify", { password });
  }

  /** @param {string} uuid @param {string} current @param {string} password */
  changePassword(uuid, current, password) {
    return this.#password(uuid, "change", { current_password: current, new_password: password });
  }

  /** Needs a session that identified the person just now. @param {string} uuid @param {string} password */
  resetPassword(uuid, password) {
    return this.#password(uuid, "reset", { password });
  }

  #password(uuid, action, body) {
    return this.#call("POST", `${patientPath(uuid)}/password/${action}`, { body });
  }

  async #session(method, path) {
    try {
      return await this.#call(method, path);
    } catch (error) {
      if (error.status === 404) this.#storage.clearSession();
      throw error;
    }
  }

  async #all(path) {
    const items = [];
    for (let after = null; ;) {
      const query = new URLSearchParams({ limit: String(PAGE_SIZE), ...(after === null ? {} : { after }) });
      const page = await this.#call("GET", `${path}?${query}`);
      items.push(...page.items);
      if (page.next_after === null || page.next_after === undefined) return items;
      after = String(page.next_after);
    }
  }

  /** @param {string} method @param {string} path @param {{body?: any}} [sent] */
  async #call(method, path, { body } = {}) {
    const reply = await this.#ask(method, path, body);
    const answer = reply.status === 204 ? {} : await readJson(reply);
    if (reply.ok && answer !== null) return answer;
    throw errorFrom(reply, answer);
  }

  async #ask(method, path, body, { accept = "application/json", signal = AbortSignal.timeout(this.#timeout) } = {}) {
    const headers = {
      Accept: accept,
      ...(body ? { "Content-Type": "application/json" } : {}),
      ...(this.#token ? { Authorization: `Bearer ${this.#token}` } : {}),
    };
    try {
      return await this.#fetch(this.#baseUrl + path, {
        method,
        headers,
        body: body && JSON.stringify(body),
        credentials: "include",
        cache: "no-cache",
        signal,
      });
    } catch (cause) {
      throw new WelnoError({ code: "NETWORK_UNREACHABLE", status: 0, cause });
    }
  }
}

async function readJson(reply) {
  try {
    return await reply.json();
  } catch {
    return null; // a proxy's HTML page: the status says enough
  }
}

function errorFrom(reply, answer) {
  const error = answer?.error ?? {};
  const wait = Number(reply.headers.get("Retry-After"));
  return new WelnoError({
    code: error.code ?? `HTTP_${reply.status}`,
    status: reply.ok ? 502 : reply.status,
    message: error.message,
    details: error.details,
    requestId: answer?.request_id,
    retryAfterSeconds: Number.isFinite(wait) && wait > 0 ? wait : null,
  });
}

function cursorQuery({ seq, epoch }) {
  return new URLSearchParams({ after_seq: String(seq), ...(epoch ? { epoch } : {}) }).toString();
}

function sessionPath(sessionId) {
  return `/tilko/session/${encodeURIComponent(sessionId)}`;
}

function patientPath(uuid) {
  return `/patients/${encodeURIComponent(uuid)}`;
}

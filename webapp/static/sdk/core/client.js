/**
 * Requests to the API: credentials, time-outs, JSON, and one kind of error. A domain's client extends this one.
 * @module
 */

import { errorFrom, WelnoError } from "./errors.js";

const TIMEOUT_MILLISECONDS = 20_000;
const TRANSFER_MILLISECONDS = 120_000;
const PAGE_SIZE = 100;
// On a slow line what is read first comes sooner.
const FIRST_PAGE_SIZE = 30;
const EVENT_STREAM = "text/event-stream";

/** @typedef {{baseUrl?: string, fetch?: typeof globalThis.fetch, timeoutMilliseconds?: number,
 *   credentials?: RequestCredentials, cache?: RequestCache,
 *   openSocket?: (url: string, protocols: string[]) => WebSocket|null}} ClientOptions */
/**
 * `keepalive`: the request outlives the page. `background`: nobody has asked for it.
 * @typedef {{body?: any, keepalive?: boolean, background?: boolean}} Sent
 */

export class HttpClient {
  #baseUrl;
  #fetch;
  #timeout;
  #credentials;
  #cache;
  #token = /** @type {string|null} */ (null);
  #ahead = 0; // the server's clock before this one's, in milliseconds

  /** @param {ClientOptions} [options] */
  constructor({
    baseUrl = "/api/v1",
    fetch = globalThis.fetch.bind(globalThis),
    timeoutMilliseconds = TIMEOUT_MILLISECONDS,
    credentials = "include",
    cache = "no-cache",
    openSocket = (url, protocols) => new WebSocket(url, protocols),
  } = {}) {
    this.#baseUrl = baseUrl.replace(/\/$/, "");
    this.#fetch = fetch;
    this.#timeout = timeoutMilliseconds;
    this.#credentials = credentials;
    this.#cache = cache;
    this.openSocket = openSocket;
  }

  /** For clients that the cookie does not reach; kept by them. @param {string|null} token null forgets it */
  useToken(token) {
    this.#token = token;
  }

  get token() {
    return this.#token;
  }

  /** The server's time, as far as its answers have told: this device's own clock may be wrong. @returns {number} in
   * milliseconds, as `Date.now()` */
  now() {
    return Date.now() + this.#ahead;
  }

  /** How a socket presents the token: its address ends up in logs. @returns {string[]} */
  get socketProtocols() {
    return this.#token ? ["welno.v1", `welno.token.${this.#token}`] : [];
  }

  /** @param {string} path below the base @param {Record<string, string>} [query] */
  httpUrl(path, query) {
    return this.#baseUrl + path + (query ? `?${new URLSearchParams(query)}` : "");
  }

  /** @param {string} path below the base @param {Record<string, string>} [query] */
  webSocketUrl(path, query) {
    const url = new URL(this.httpUrl(path, query), globalThis.location?.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    return url.href;
  }

  /** @param {string} method @param {string} path below the base @param {Sent} [sent] @returns {Promise<any>} */
  request(method, path, sent) {
    return this.exchange(method, this.httpUrl(path), sent);
  }

  /** @param {string} url @returns {Promise<any>} */
  getJson(url) {
    return this.exchange("GET", url);
  }

  /**
   * All items of a list that comes in pages, of which the first is shorter.
   * @param {string} path below the base @returns {Promise<any[]>}
   */
  async getAll(path, onPage = (/** @type {any} */ _page) => {}) {
    const items = [];
    for (let after = null; ;) {
      /** @type {Record<string, string>} */
      const query = after === null ? { limit: String(FIRST_PAGE_SIZE) } : { limit: String(PAGE_SIZE), after };
      const page = await this.getJson(this.httpUrl(path, query));
      onPage(page);
      items.push(...page.items);
      // While processes are replaced one of before may answer, which knows the older name alone.
      const next = page.next ?? page.next_after ?? null;
      if (next === null) return items;
      after = String(next);
    }
  }

  /** An answer of server-sent events, until `signal` ends it. @param {string} url @param {AbortSignal} signal
   * @param {Sent} [sent] with a body it is a POST @returns {Promise<Response>} */
  async openEvents(url, signal, sent = {}) {
    const reply = await this.#send(sent.body ? "POST" : "GET", url, sent, { accept: EVENT_STREAM, signal });
    if (reply.ok && reply.headers.get("Content-Type")?.startsWith(EVENT_STREAM)) return reply;
    throw errorFrom(reply, await readJson(reply));
  }

  /**
   * One request and its answer; the way of all calls but event streams, for a domain to add what its errors mean.
   * @param {string} method @param {string} url @param {Sent} [sent] @returns {Promise<any>}
   */
  async exchange(method, url, sent = {}) {
    const reply = await this.#send(method, url, sent);
    const answer = reply.status === 204 ? {} : await readJson(reply);
    if (reply.ok && answer !== null) return answer;
    throw errorFrom(reply, answer);
  }

  /** Octets as they are, there or back. @param {string} method @param {string} url
   * @param {{body?: Blob, headers?: Record<string, string>, signal: AbortSignal}} how @returns {Promise<Response>} */
  async transfer(method, url, { body, headers, signal }) {
    const within = AbortSignal.any([signal, AbortSignal.timeout(TRANSFER_MILLISECONDS)]);
    const reply = await this.#send(method, url, { body }, { accept: "*/*", signal: within, headers });
    if (reply.ok) return reply;
    throw errorFrom(reply, await readJson(reply));
  }

  /** @param {string} method @param {string} url @param {Sent} sent
   * @param {{accept?: string, signal?: AbortSignal, headers?: Record<string, string>}} [how]
   * @returns {Promise<Response>} */
  async #send(method, url, { body, keepalive = false, background = false }, how = {}) {
    const { accept = "application/json", signal = AbortSignal.timeout(this.#timeout) } = how;
    const isJson = body && !(body instanceof Blob);
    const headers = {
      Accept: accept,
      ...(body ? { "Content-Type": isJson ? "application/json" : "application/octet-stream" } : {}),
      ...how.headers,
      ...(background ? { "X-Welno-Background": "1" } : {}),
      ...(this.#token ? { Authorization: `Bearer ${this.#token}` } : {}),
    };
    try {
      const reply = await this.#fetch(url, {
        method,
        headers,
        body: isJson ? JSON.stringify(body) : body,
        credentials: this.#credentials,
        cache: this.#cache,
        keepalive,
        signal,
      });
      this.#noteTime(reply);
      return reply;
    } catch (cause) {
      throw new WelnoError({ code: "NETWORK_UNREACHABLE", status: 0, cause });
    }
  }

  /** To the second; a page of another origin is not told. @param {Response} reply */
  #noteTime(reply) {
    const sent = Date.parse(reply.headers.get("Date") ?? "");
    if (!Number.isNaN(sent)) this.#ahead = sent - Date.now();
  }
}

/** @param {Response} reply */
async function readJson(reply) {
  try {
    return await reply.json();
  } catch {
    return null; // a proxy's HTML page: the status says enough
  }
}

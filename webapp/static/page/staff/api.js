/**
 * The admin API's runs, asked with an access token. It lives in this tab's sessionStorage and in one header; never in
 * an address, never beside a cookie.
 * @module
 */

import { HttpClient } from "../../sdk/core/client.js";
import { WelnoError } from "../../sdk/core/errors.js";
import { SafeStorage } from "../../sdk/core/storage.js";

const TOKEN_KEY = "welno_staff_token";
export const SECOND_FACTOR_REQUIRED = "SECOND_FACTOR_REQUIRED";
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
  /** Whether the page asks by itself just now: that keeps no login alive. */
  byItself = false;
  #tab = new SafeStorage(() => sessionStorage);
  #http = new HttpClient({
    baseUrl: "/api/v1",
    credentials: "omit",
    cache: "no-store",
    timeoutMilliseconds: TIMEOUT_MILLISECONDS,
  });

  constructor() {
    this.#http.useToken(this.#tab.getItem(TOKEN_KEY));
  }

  /** Also of somebody who still has to set up a second factor. */
  get hasToken() {
    return this.#http.token !== null;
  }

  /** Keeps the token only when the server takes it. @param {string} token */
  async useToken(token) {
    if (!TOKEN_FORM.test(token)) throw new WelnoError({ code: "TOKEN_MALFORMED", status: 401 });
    this.#http.useToken(token);
    try {
      await this.#http.request("GET", "/admin/runs?limit=1");
    } catch (error) {
      // The token of somebody without a second factor opens the way to one.
      if (error.code !== SECOND_FACTOR_REQUIRED) this.forget();
      throw error;
    }
    this.#tab.setItem(TOKEN_KEY, token);
  }

  /** @param {{login: string, password: string, totp?: string}} typed */
  async signIn(typed) {
    const { access_token: token } = await this.#http.request("POST", "/auth/staff-login", { body: typed });
    await this.useToken(token);
  }

  /** @returns {Promise<string>} the address of a new second factor, for the authenticator */
  async offerSecondFactor() {
    return (await this.#http.request("POST", "/auth/totp", { body: {} })).uri;
  }

  /** @param {string} totp a code of the one that was offered */
  async confirmSecondFactor(totp) {
    await this.#http.request("POST", "/auth/totp", { body: { totp } });
    await this.useToken(this.#http.token);
  }

  /** Its cookie opens Flower, for as long as this login lasts. @returns {Promise<string>} where that is */
  async openFlower() {
    const http = new HttpClient({
      baseUrl: "/api/v1",
      credentials: "same-origin",
      cache: "no-store",
      timeoutMilliseconds: TIMEOUT_MILLISECONDS,
    });
    http.useToken(this.#http.token);
    return (await http.request("POST", "/auth/flower")).url;
  }

  /** This tab no longer has the token, which may still be good elsewhere. */
  forget() {
    this.#tab.removeItem(TOKEN_KEY);
    this.#http.useToken(null);
  }

  /** The token opens nothing any more, for anybody. Forgotten here in any case; fails when the server did not get it. */
  async signOut() {
    const ended = this.#change("/auth/logout");
    this.forget();
    await ended;
  }

  /**
   * Newest change first. `before` is the last run of the page before.
   * @param {{filter: string, before: any, limit: number}} asked @returns {Promise<any[]>}
   */
  async list({ filter, before, limit }) {
    const place = before ? { before: before.updated_at, before_id: before.session_id } : {};
    const paging = { limit: String(limit), ...place };
    const ask = (/** @type {any} */ question) =>
      this.#look(`/admin/runs?${new URLSearchParams({ ...question, ...paging })}`);
    const pages = await Promise.all(FILTERS[filter].map(ask));
    // Each page has its newest: together they hold the newest of all.
    const byId = new Map(pages.flatMap((page) => page.runs).map((run) => [run.session_id, run]));
    return [...byId.values()].sort(newestFirst).slice(0, limit);
  }

  /** One run with its steps. @param {string} id */
  async read(id) {
    return (await this.#look(`/admin/runs/${id}`)).run;
  }

  /** What became of a request, by the number that somebody was shown. @param {string} reference */
  async findRequest(reference) {
    return (await this.#http.request("GET", `/admin/requests/${encodeURIComponent(reference)}`)).request;
  }

  /** @param {string} id @returns {Promise<any>} the run after that */
  async resume(id) {
    return (await this.#change(`/admin/runs/${id}/resume`)).run;
  }

  /** @param {string} id @returns {Promise<any>} the run after that: it may have ended otherwise meanwhile */
  async cancel(id) {
    return (await this.#change(`/admin/runs/${id}/cancel`)).run;
  }

  #look(path) {
    return this.#http.request("GET", path, { background: this.byItself });
  }

  /** Also when the page is being left. */
  #change(path) {
    return this.#http.request("POST", path, { keepalive: true });
  }
}

/** As the API sorts. */
function newestFirst(a, b) {
  if (a.updated_at !== b.updated_at) return a.updated_at < b.updated_at ? 1 : -1;
  return a.session_id < b.session_id ? -1 : 1;
}

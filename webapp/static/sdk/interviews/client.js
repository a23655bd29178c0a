/**
 * The interviews' calls, one method each. The login is a cookie that no script reads; it is renewed when it has to be.
 * @module
 */

import { HttpClient } from "../core/client.js";
import { errorFrom, WelnoError } from "../core/errors.js";
import { TokenRefresh } from "../core/token_refresh.js";
import { sendBody } from "./sending.js";

const REFRESH = "welno.interviews.refresh";
const TRIES = 3;
const PAUSE_MILLISECONDS = 1_000;

/** @typedef {{id: string, name: string, email: string, company: {id: string, name: string}}} Account */
/** What is uploaded: a file, or a text. `consents`: the person has agreed, where the project requires that.
 * @typedef {{file?: File, text?: string, title?: string, maskWords?: string[], consents?: boolean}} Upload */
/** @typedef {"viewer"|"editor"|"admin"} Role */
/** @typedef {"md"|"csv"|"json"|"xlsx"} ExportFormat */
/** A range of a script by its own numbers.
 * @typedef {{firstUtteranceId: number, lastUtteranceId: number, tags?: string[], note?: string}} HighlightDraft */
/** `key`: the same for the same upload, so that one whose answer was lost is not taken twice. `onProgress` gets from 0
 * to 1. @typedef {{key?: string, onProgress?: (sent: number) => void, signal?: AbortSignal}} UploadOptions */

export class InterviewsClient extends HttpClient {
  #onLoggedOut;
  #account = /** @type {Account|null} */ (null);
  #refresh = new TokenRefresh(REFRESH);
  #refreshing = /** @type {Promise<boolean>|null} */ (null);
  #refreshes = 0;

  /** @param {import("../core/client.js").ClientOptions & {onLoggedOut?: () => void}} [options] */
  constructor({ onLoggedOut = () => {}, ...options } = {}) {
    super({ baseUrl: "/api", ...options });
    this.#onLoggedOut = onLoggedOut;
  }

  /** Whose login it is, once that was asked. */
  get account() {
    return this.#account;
  }

  /** @param {string} email @param {string} password @returns {Promise<Account>} */
  async signIn(email, password) {
    return this.#take(await this.#exchangeOnce("POST", "/v1/accounts/login", { body: { email, password } }));
  }

  /** @returns {Promise<Account>} */
  async me() {
    return this.#take(await this.request("GET", "/v1/accounts/me"));
  }

  async signOut() {
    try {
      await this.request("POST", "/v1/accounts/logout", { keepalive: true });
    } finally {
      this.#forget();
    }
  }

  /** @returns {Promise<any[]>} mine, each with my role */
  async projects() {
    return (await this.request("GET", "/projects")).projects;
  }

  /** @param {string} id */
  async project(id) {
    return (await this.request("GET", projectPath(id))).project;
  }

  /** By e-mail: `account_id`, `name`, `email`, `role`. @param {string} projectId @returns {Promise<any[]>} */
  async members(projectId) {
    return (await this.request("GET", `${projectPath(projectId)}/members`)).members;
  }

  /** Somebody of the same company; who is in already gets the role. @param {string} projectId @param {string} email
   * @param {Role} role @returns {Promise<any[]>} all members */
  async putMember(projectId, email, role) {
    return (await this.request("POST", `${projectPath(projectId)}/members`, { body: { email, role } })).members;
  }

  /** Their open streams end within a second. @param {string} projectId @param {string} accountId */
  removeMember(projectId, accountId) {
    return this.request("DELETE", `${projectPath(projectId)}/members${queryOf([["accountId", accountId]])}`);
  }

  /** For admins: calls, tokens and seconds at MISO. @param {string} projectId @param {string|null} [month] `yyyy-MM` of
   * Korea; null: the present one @returns {Promise<any>} */
  costs(projectId, month = null) {
    return this.request("GET", `${projectPath(projectId)}/costs${queryOf(month === null ? [] : [["month", month]])}`);
  }

  /** For admins: who read which unmasked original, newest first: `{reads, next}`. @param {string} projectId
   * @param {number|null} [before] the `next` of the page before @returns {Promise<any>} */
  originalReads(projectId, before = null) {
    return this.request("GET", `${projectPath(projectId)}/original-reads${queryOf(before === null ? [] : [["before", before]])}`);
  }

  /** Where all completed analyses of a project are downloaded. @param {string} id @param {ExportFormat} format */
  projectExportUrl(id, format) {
    return this.httpUrl(`${projectPath(id)}/export`, { format });
  }

  /** Newest first: `{interviews, next, last_event_id}`. @param {string} projectId
   * @param {{limit?: number, before?: string, status?: string, deleted?: boolean}} [wish] `before`: the `next` of the
   *   page before @returns {Promise<any>} */
  interviews(projectId, wish = {}) {
    const query = Object.entries(wish).filter(([, value]) => value !== undefined);
    return this.request("GET", `${projectPath(projectId)}/interviews${queryOf(query)}`);
  }

  /** With its text and its analysis. @param {string} id */
  async interview(id) {
    return (await this.request("GET", interviewPath(id))).interview;
  }

  /** @param {string} projectId @returns {Promise<any[]>} */
  async personas(projectId) {
    return (await this.request("GET", `${projectPath(projectId)}/personas`)).personas;
  }

  /** What themes were found, and are being found: insights, newest first; each has a `status` as interviews have, and its
   * `result` once that is `completed`. @param {string} projectId @returns {Promise<any[]>} */
  async themes(projectId) {
    return (await this.request("GET", `${projectPath(projectId)}/themes`)).insights;
  }

  /** In all completed interviews; `insight:changed` tells when they are there. @param {string} projectId
   * @returns {Promise<any>} the insight */
  async startThemes(projectId) {
    return (await this.request("POST", `${projectPath(projectId)}/themes`)).insight;
  }

  /** Personas that were made of this project's interviews, as `themes`. @param {string} projectId @returns {Promise<any[]>} */
  async generatedPersonas(projectId) {
    return (await this.request("GET", `${projectPath(projectId)}/generated-personas`)).insights;
  }

  /** Of chosen completed interviews, 32 at most; it becomes one of the project's `personas`. @param {string} projectId
   * @param {string[]} interviewIds @returns {Promise<any>} the insight */
  async startPersona(projectId, interviewIds) {
    return (await this.request("POST", `${projectPath(projectId)}/personas`, { body: { interviewIds } })).insight;
  }

  /** Utterances in which the words stand, over all interviews: `{results, next}`. @param {string} projectId
   * @param {string} words @param {string|null} [after] the `next` of the page before @returns {Promise<any>} */
  search(projectId, words, after = null) {
    const query = [["q", words], ...(after === null ? [] : [["after", after]])];
    return this.request("GET", `${projectPath(projectId)}/search${queryOf(/** @type {[string, any][]} */ (query))}`);
  }

  /** A failed analysis once more. `consents`: the person has agreed, where the project has come to require that.
   * @param {string} id @param {{consents?: boolean}} [more] @returns {Promise<any>} */
  retry(id, { consents = false } = {}) {
    return this.request("POST", "/workflow/retry", { body: { interviewId: id, ...(consents ? { consent: true } : {}) } });
  }

  /** It can be restored for some days. @param {string} id */
  remove(id) {
    return this.request("DELETE", interviewPath(id));
  }

  /** For good. @param {string} id @returns {Promise<any>} what was erased, counted */
  async erase(id) {
    return (await this.request("DELETE", `${interviewPath(id)}?erase=true`)).receipt;
  }

  /** @param {string} id */
  async restore(id) {
    return (await this.request("POST", `${interviewPath(id)}/restore`)).interview;
  }

  /** Where the unmasked original is downloaded. @param {string} id */
  originalUrl(id) {
    return this.httpUrl(`${interviewPath(id)}/file`);
  }

  /** How many events of its stream came. @param {string} projectId @param {number} received */
  reportReceived(projectId, received) {
    return this.request("POST", "/metrics/sse/received", { body: { projectId, received }, background: true });
  }

  /** Where an analysis is downloaded. @param {string} id @param {ExportFormat} format */
  exportUrl(id, format) {
    return this.httpUrl(`${interviewPath(id)}/export`, { format });
  }

  /** Names of the script's speakers by its labels, in the place of all names so far; two with one name are one.
   * @param {string} id @param {Record<string, string>} names @returns {Promise<any>} `{speakers, revision}` */
  nameSpeakers(id, names) {
    return this.request("PUT", `${interviewPath(id)}/speakers`, { body: { speakers: names } });
  }

  /** In the order in which they were made. @param {string} id of an interview @returns {Promise<any[]>} */
  async highlights(id) {
    return (await this.request("GET", `${interviewPath(id)}/highlights`)).highlights;
  }

  /** Of all interviews, the newest first: each with its interview's `title` and the first of its `utterances`.
   * @param {string} projectId @param {string|null} [tag] those that have it @returns {Promise<any[]>} */
  async projectHighlights(projectId, tag = null) {
    const query = queryOf(tag === null ? [] : [["tag", tag]]);
    return (await this.request("GET", `${projectPath(projectId)}/highlights${query}`)).highlights;
  }

  /** @param {string} id of an interview @param {HighlightDraft} draft @returns {Promise<any>} */
  async addHighlight(id, draft) {
    return (await this.request("POST", `${interviewPath(id)}/highlights`, { body: draft })).highlight;
  }

  /** Whoever made it. @param {string} id of an interview @param {string} highlightId @param {HighlightDraft} draft
   * @returns {Promise<any>} */
  async changeHighlight(id, highlightId, draft) {
    return (await this.request("PUT", highlightPath(id, highlightId), { body: draft })).highlight;
  }

  /** Whoever made it. @param {string} id of an interview @param {string} highlightId */
  removeHighlight(id, highlightId) {
    return this.request("DELETE", highlightPath(id, highlightId));
  }

  /** `{interview, duplicate_of}`; its events come by the project's stream. @param {string} projectId
   * @param {Upload} upload @param {UploadOptions} [how] @returns {Promise<any>} */
  upload(projectId, upload, how = {}) {
    return this.#withRefresh(() => this.#sendUpload(bodyOf(projectId, upload), how));
  }

  /** The frames of an answer. @param {{messages: any[], personaId: string, conversationId?: string}} asked
   * @param {AbortSignal} signal @returns {Promise<Response>} */
  openChat(asked, signal) {
    return this.#withRefresh(() => this.openEvents(this.httpUrl("/chat"), signal, { body: asked }));
  }

  /** A renewed login, once for all who ask at the same time, and one tab after the other: a refresh token that two tabs
   * present counts as stolen. @returns {Promise<boolean>} false: the login is over */
  refreshLogin() {
    this.#refreshing ??= this.#refreshNow().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  /** @param {string} method @param {string} url @param {import("../core/client.js").Sent} [sent] */
  exchange(method, url, sent) {
    return this.#withRefresh(() => super.exchange(method, url, sent));
  }

  /** @template T @param {() => Promise<T>} call @returns {Promise<T>} */
  async #withRefresh(call) {
    const refreshes = this.#refreshes;
    try {
      return await call();
    } catch (/** @type {any} */ error) {
      if (error.status !== 401) throw error;
      // Another call may have renewed it while this one was under way.
      if (refreshes === this.#refreshes && !(await this.refreshLogin())) throw error;
      return call();
    }
  }

  async #refreshNow() {
    try {
      this.#take(await this.#refresh.run((key) => this.#exchangeToken(key)));
      this.#refreshes += 1;
      return true;
    } catch (/** @type {any} */ error) {
      if (error.status !== 401) throw error;
      return this.#end();
    }
  }

  /** @param {string} key @returns {Promise<any>} */
  async #exchangeToken(key) {
    for (let tried = 1; ; tried += 1) {
      try {
        return await this.#exchangeOnce("POST", "/v1/accounts/refresh", { body: { idempotency_key: key } });
      } catch (/** @type {any} */ error) {
        if (error.status === 401 || !(error instanceof WelnoError) || !error.retryable || tried === TRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS * tried));
      }
    }
  }

  /** @param {string} method @param {string} path @param {import("../core/client.js").Sent} sent */
  #exchangeOnce(method, path, sent) {
    return super.exchange(method, this.httpUrl(path), sent);
  }

  /** @param {{body: FormData|string, headers: Record<string, string>}} content @param {UploadOptions} how */
  async #sendUpload({ body, headers }, { key, ...how }) {
    const reply = await sendBody(this.httpUrl("/workflow/async"), body, {
      headers: {
        ...headers,
        ...(key ? { "Idempotency-Key": key } : {}),
        ...(this.token ? { Authorization: `Bearer ${this.token}` } : {}),
      },
      ...how,
    });
    const answer = await reply.json().catch(() => null);
    if (reply.ok && answer !== null) return answer;
    throw errorFrom(reply, answer);
  }

  /** @param {any} answer @returns {Account} */
  #take({ account, access_token: token }) {
    this.#account = account;
    if (token && this.token !== null) this.useToken(token); // of who goes by token alone
    return account;
  }

  #end() {
    this.#forget();
    this.#onLoggedOut();
    return false;
  }

  #forget() {
    this.#refresh.forget();
    this.#account = null;
    this.useToken(null);
  }
}

/** @param {string} id */
const projectPath = (id) => `/projects/${encodeURIComponent(id)}`;
/** @param {string} id */
const interviewPath = (id) => `/interviews/${encodeURIComponent(id)}`;
/** @param {string} id @param {string} highlightId */
const highlightPath = (id, highlightId) => `${interviewPath(id)}/highlights/${encodeURIComponent(highlightId)}`;

/** @param {[string, any][]} entries */
function queryOf(entries) {
  return entries.length ? `?${new URLSearchParams(entries.map(([name, value]) => [name, String(value)]))}` : "";
}

/** A file goes as a form, a text as JSON: a form's fields are bounded. @param {string} projectId @param {Upload} upload
 * @returns {{body: FormData|string, headers: Record<string, string>}} */
function bodyOf(projectId, { file, text, title, maskWords = [], consents = false }) {
  if (!file) {
    const body = { projectId, text, title, maskWords, consent: consents };
    return { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  }
  const form = new FormData();
  form.append("projectId", projectId);
  if (title) form.append("title", title);
  if (file.lastModified) form.append("lastModified", String(file.lastModified));
  if (maskWords.length) form.append("maskWords", maskWords.join(","));
  if (consents) form.append("consent", "true");
  form.append("file", file, file.name); // last: the fields are known when it comes
  return { body: form, headers: {} };
}

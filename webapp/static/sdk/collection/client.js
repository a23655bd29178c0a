/**
 * The calls on sessions and patients' records, one method each.
 * @module
 */

import { HttpClient } from "../core/client.js";
import { WelnoStorage } from "./storage.js";

/** @typedef {import("../core/ordering.js").Cursor} Cursor */
/** @typedef {{user_name: string, phone_no: string, birthdate: string, private_auth_type: string, gender: string,
 *   consents?: string[], consent_texts?: Record<string, string>, oid?: string, redirect_path?: string,
 *   patient_uuid?: string, hospital_id?: string, terms_agreed?: boolean, terms_agreed_at?: string,
 *   terms_expires_at?: string}} StartForm */

export class WelnoClient extends HttpClient {
  #storage;

  /** @param {import("../core/client.js").ClientOptions & {storage?: WelnoStorage}} [options] */
  constructor({ storage = new WelnoStorage(), ...options } = {}) {
    super(options);
    this.#storage = storage;
  }

  /** Whose right to read this is: tabs with the same one may share what they read. */
  get right() {
    return this.token ? `token:${this.token.split(".")[0]}` : "cookie"; // a token is the session's id and a secret
  }

  /** The address of a session's socket. @param {string} sessionId @param {Cursor} cursor */
  socketUrl(sessionId, cursor) {
    return this.webSocketUrl(`/tilko/ws/${encodeURIComponent(sessionId)}`, placeQuery(cursor));
  }

  /** The address of a session's server-sent events. @param {string} sessionId @param {Cursor} cursor */
  eventsUrl(sessionId, cursor) {
    return this.httpUrl(`${sessionPath(sessionId)}/events`, placeQuery(cursor));
  }

  /** The address of the events after a number, for a poll. @param {string} sessionId @param {Cursor} cursor */
  messagesUrl(sessionId, cursor) {
    return this.httpUrl(`${sessionPath(sessionId)}/messages`, placeQuery(cursor));
  }

  /** What a person agrees to, word for word, in the order in which it is asked for. `consents` of the form are the kinds
   * that they agreed to, `consent_texts` the `sha256` of each text that was shown. @returns {Promise<any[]>} */
  async consentTexts() {
    return (await this.request("GET", "/consents/texts")).items;
  }

  /** @param {StartForm} form */
  startSession(form) {
    return this.request("POST", "/tilko/session/start", { body: form });
  }

  /** Sends the push to the phone. While it waits a second call sends none; after `declined` or `auth_timeout` it sends
   * a new one, and the earlier one opens nothing any more. @param {string} sessionId */
  simpleAuth(sessionId) {
    return this.request("POST", `/tilko/session/simple-auth?session_id=${encodeURIComponent(sessionId)}`);
  }

  /** "I have approved": harmless when the collection already runs. @param {string} sessionId */
  collectData(sessionId) {
    return this.request("POST", `${sessionPath(sessionId)}/collect-data`);
  }

  /** @param {string} sessionId */
  status(sessionId) {
    return this.request("GET", `${sessionPath(sessionId)}/status`);
  }

  /** The events after a number. @param {string} sessionId @param {Cursor} cursor */
  messages(sessionId, cursor) {
    return this.getJson(this.messagesUrl(sessionId, cursor));
  }

  /** The events after a number as server-sent events, until `signal` ends them.
   * @param {string} sessionId @param {Cursor} cursor @param {AbortSignal} signal */
  events(sessionId, cursor, signal) {
    return this.openEvents(this.eventsUrl(sessionId, cursor), signal);
  }

  /** @param {string} sessionId */
  cancel(sessionId) {
    return this.request("DELETE", sessionPath(sessionId));
  }

  /** All stored checkups, newest first. @param {string} uuid @returns {Promise<any[]>} */
  checkups(uuid) {
    return this.getAll(`${patientPath(uuid)}/checkups`);
  }

  /** The same with whose they are, and when the insurer last told them (ISO 8601, or null). @param {string} uuid
   * @returns {Promise<{person: {name: string, birthdate: string, gender: string|null}, collected_at: string|null,
   *   items: any[]}>} */
  async checkupRecords(uuid) {
    let head = /** @type {any} */ (null);
    const items = await this.getAll(`${patientPath(uuid)}/checkups`, (page) => (head ??= page));
    return { person: head.person, collected_at: head.collected_at, items };
  }

  /** All stored prescriptions, newest first; `onPage` gets each page as it comes. @param {string} uuid
   * @param {(page: {items: any[], next?: string}) => void} [onPage] @returns {Promise<any[]>} */
  prescriptions(uuid, onPage) {
    return this.getAll(`${patientPath(uuid)}/prescriptions`, onPage);
  }

  /** Whether any is stored. @param {string} uuid @returns {Promise<boolean>} */
  async hasPrescriptions(uuid) {
    const { items } = await this.getJson(this.httpUrl(`${patientPath(uuid)}/prescriptions`, { limit: "1" }));
    return items.length > 0;
  }

  /** The newest report, or null where there is none (yet). @param {string} uuid */
  async report(uuid) {
    return (await this.reportRecord(uuid)).report;
  }

  /** The same with whose it is. @param {string} uuid
   * @returns {Promise<{person: {name: string, birthdate: string, gender: string|null}, report: any}>} */
  reportRecord(uuid) {
    return this.request("GET", `${patientPath(uuid)}/report`);
  }

  /** The key under which this browser keeps these records, as long as its session lives: 256 bits in base64. Keep it in
   * memory alone. @param {string} uuid @returns {Promise<string>} */
  async browserKey(uuid) {
    return (await this.request("GET", `${patientPath(uuid)}/browser-key`)).key;
  }

  /** A page of what the person agreed to, newest first: `{items, next?}`. @param {string} uuid @param {number} [after] */
  consents(uuid, after) {
    return this.request("GET", `${patientPath(uuid)}/consents${after ? `?after=${after}` : ""}`);
  }

  /** Runs under way stop at their next step; a report alone for consent to it. @param {string} uuid @param {string} kind */
  withdrawConsent(uuid, kind) {
    return this.request("POST", `${patientPath(uuid)}/consents/${encodeURIComponent(kind)}/withdraw`);
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

  /** For who comes back without a link: opens their records to this browser. @param {{user_name: string,
   * birthdate: string, phone_no: string, password: string}} form @returns {Promise<{patient_uuid: string, hospital_id: string}>} */
  signIn(form) {
    return this.request("POST", "/patients/sign-in", { body: form });
  }

  /** Whether an older patient's records are shown with theirs. @param {string} uuid
   * `shown_elsewhere`: theirs are shown with a newer patient's.
   * @returns {Promise<{joined: boolean, joined_at?: string, undo_until?: string, shown_elsewhere?: boolean}>} */
  joinState(uuid) {
    return this.request("GET", `${patientPath(uuid)}/join`);
  }

  /** Shows the records of the older patient that the person was, too. @param {string} uuid @param {{user_name: string,
   * birthdate: string, phone_no: string, password: string}} older @returns {Promise<{undo_until: string}>} */
  join(uuid, older) {
    return this.request("POST", `${patientPath(uuid)}/join`, { body: older });
  }

  /** Within 30 days. @param {string} uuid */
  undoJoin(uuid) {
    return this.request("DELETE", `${patientPath(uuid)}/join`);
  }

  /** Ends this browser's session, and every access that it has. */
  signOut() {
    return this.request("POST", "/patients/sign-out");
  }

  /** Where the person is signed in, newest first, whether they have a password, and who else opened the records since
   * their last visit. @param {string} uuid
   * @returns {Promise<{items: any[], has_password: boolean, opened_since_last_visit: any[]}>} */
  sessions(uuid) {
    return this.request("GET", `${patientPath(uuid)}/sessions`);
  }

  /** @param {string} uuid @param {string} id one of `sessions` */
  endSession(uuid, id) {
    return this.request("DELETE", `${patientPath(uuid)}/sessions/${encodeURIComponent(id)}`);
  }

  /** All but this one. @param {string} uuid */
  endOtherSessions(uuid) {
    return this.request("DELETE", `${patientPath(uuid)}/sessions`);
  }

  /** A page of who looked at the records, newest first: `{items, next?}`. @param {string} uuid
   * @param {{after?: string|null, limit?: number}} [place] */
  accessLog(uuid, { after = null, limit = 20 } = {}) {
    const query = new URLSearchParams({ limit: String(limit), ...(after ? { after } : {}) });
    return this.request("GET", `${patientPath(uuid)}/access-log?${query}`);
  }

  /** Everything that is stored, in one archive, which is packed after this. @param {string} uuid
   * @returns {Promise<{export_id: string}>} */
  askForExport(uuid) {
    return this.request("POST", `${patientPath(uuid)}/export`);
  }

  /** How far it is; `url` opens the archive once. @param {string} uuid @param {string} exportId
   * @returns {Promise<{state: string, url?: string}>} */
  exportState(uuid, exportId) {
    return this.request("GET", `${patientPath(uuid)}/exports/${encodeURIComponent(exportId)}`);
  }

  /** Everything that is stored of the person; there is no way back. Without the password the person must have proved who
   * they are within five minutes. @param {string} uuid @param {string} [password]
   * @returns {Promise<{erasure_id: string}>} */
  erase(uuid, password) {
    return this.request("DELETE", patientPath(uuid), { body: password ? { password } : {} });
  }

  /** What an erasure has erased so far, and what stays. @param {string} erasureId */
  erasure(erasureId) {
    return this.request("GET", `/erasures/${encodeURIComponent(erasureId)}`);
  }

  #password(uuid, action, body) {
    return this.request("POST", `${patientPath(uuid)}/password/${action}`, { body });
  }

  /** A session that the server does not know is over: what was remembered of this one goes; another may run in another
   * tab.
   * @param {string} method @param {string} url @param {import("../core/client.js").Sent} [sent] */
  async exchange(method, url, sent) {
    try {
      return await super.exchange(method, url, sent);
    } catch (error) {
      const sessionId = error.status === 404 ? sessionIn(url) : null;
      if (sessionId) this.#storage.endSession(sessionId);
      throw error;
    }
  }
}

/** @param {Cursor} cursor @returns {Record<string, string>} */
function placeQuery({ seq, epoch }) {
  return { after_seq: String(seq), ...(epoch ? { epoch } : {}) };
}

/** Of which session an address is. @param {string} url @returns {string|null} */
function sessionIn(url) {
  const [, id] = /\/tilko\/session\/(?:simple-auth\?session_id=)?([^/?#]+)/.exec(url) ?? [];
  return id ? decodeURIComponent(id) : null;
}

function sessionPath(sessionId) {
  return `/tilko/session/${encodeURIComponent(sessionId)}`;
}

function patientPath(uuid) {
  return `/patients/${encodeURIComponent(uuid)}`;
}

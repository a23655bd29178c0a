/**
 * Every key that the browser keeps between two pages, in one place.
 * @module
 */

import { keysOf, usable } from "../core/storage.js";

/** Keys in `localStorage`. The `tilko_*` ones belong to the running session and go with it. */
export const KEYS = Object.freeze({
  sessionId: "tilko_session_id",
  termsAgreed: "tilko_terms_agreed",
  manualCollect: "tilko_manual_collect",
  collectingStatus: "tilko_collecting_status",
  authWaiting: "tilko_auth_waiting",
  authType: "tilko_auth_type",
  redirectPath: "tilko_redirect_path",
  patientUuid: "welno_patient_uuid",
  hospitalId: "welno_hospital_id",
  gender: "welno_gender",
});

const SESSION_PREFIX = "tilko_";
const DONE_PREFIX = "welno_done:";
const PERSON_PREFIX = "welno_person:";

/** @typedef {{name: string, birthday: string}} Person */
/** @typedef {Storage|import("../core/storage.js").MemoryStorage} Store */

export class WelnoStorage {
  #lasting;
  #tab;

  /** @param {{lasting?: Store, tab?: Store}} [stores] */
  constructor({ lasting = usable("localStorage"), tab = usable("sessionStorage") } = {}) {
    this.#lasting = lasting;
    this.#tab = tab;
  }

  /** @param {string} key @returns {string|null} */
  read(key) {
    return this.#lasting.getItem(key);
  }

  /** @param {string} key @param {string|null|undefined} value null and undefined forget the key */
  write(key, value) {
    if (value === null || value === undefined) this.#lasting.removeItem(key);
    else this.#lasting.setItem(key, value);
  }

  /** Forgets the running session; whose records these are is kept. */
  clearSession() {
    for (const key of keysOf(this.#lasting)) if (key.startsWith(SESSION_PREFIX)) this.#lasting.removeItem(key);
    for (const key of keysOf(this.#tab)) if (key.startsWith(PERSON_PREFIX)) this.#tab.removeItem(key);
  }

  /**
   * True for the first caller of all tabs, false for every later one: a dialog appears once, records are saved once.
   * @param {string} sessionId @param {"dialog"|"save"} deed
   */
  claim(sessionId, deed) {
    if (this.isDone(sessionId, deed)) return false;
    this.markDone(sessionId, deed);
    return true;
  }

  /** @param {string} sessionId @param {"dialog"|"save"} deed */
  isDone(sessionId, deed) {
    return this.#done(sessionId).includes(deed);
  }

  /** Keeps the marks of one session only: an older one is over.
   * @param {string} sessionId @param {"dialog"|"save"} deed */
  markDone(sessionId, deed) {
    const deeds = [...this.#done(sessionId), deed];
    for (const key of keysOf(this.#lasting)) if (key.startsWith(DONE_PREFIX)) this.#lasting.removeItem(key);
    this.#lasting.setItem(DONE_PREFIX + sessionId, deeds.join(" "));
  }

  #done(sessionId) {
    return (this.#lasting.getItem(DONE_PREFIX + sessionId) ?? "").split(" ").filter(Boolean);
  }

  /** Who started the session, for this tab alone, until the records are saved. @param {string} sessionId */
  rememberPerson(sessionId, /** @type {Person} */ person) {
    this.#tab.setItem(PERSON_PREFIX + sessionId, JSON.stringify(person));
  }

  /** @param {string} sessionId @returns {Person|null} */
  person(sessionId) {
    const text = this.#tab.getItem(PERSON_PREFIX + sessionId);
    return text ? JSON.parse(text) : null;
  }
}

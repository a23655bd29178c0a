/**
 * Every key that the browser keeps between two pages, in one place.
 * @module
 */

import { SafeStorage } from "../core/storage.js";

/** Keys in `localStorage`. The `tilko_*` ones belong to the running session and go with it. */
export const KEYS = Object.freeze({
  sessionId: "tilko_session_id",
  termsAgreed: "tilko_terms_agreed",
  manualCollect: "tilko_manual_collect",
  collectingStatus: "tilko_collecting_status",
  authWaiting: "tilko_auth_waiting",
  authType: "tilko_auth_type",
  redirectPath: "tilko_redirect_path",
  passwordPutOff: "tilko_password_put_off",
  patientUuid: "welno_patient_uuid",
  hospitalId: "welno_hospital_id",
  visitTold: "welno_visit_told",
});

const OURS = /** @type {Set<string>} */ (new Set(Object.values(KEYS)));
const SESSION_PREFIX = "tilko_";
const DONE_PREFIX = "welno_done:";
// In clear, of earlier releases: nothing of what the records say of a person is kept here any more.
const FORMER_KEYS = new Set(["welno_gender"]);
const FORMER_PREFIX = "welno_person:";

/** @typedef {import("../core/storage.js").Store} Store */

export class WelnoStorage {
  #lasting;
  #tab;

  /** @param {{lasting?: Store, tab?: Store}} [stores] */
  constructor({ lasting, tab } = {}) {
    this.#lasting = new SafeStorage(() => lasting ?? globalThis.localStorage);
    this.#tab = new SafeStorage(() => tab ?? globalThis.sessionStorage);
  }

  /** False once something could be kept for this page only: the browser forbids its store, or the store is full. */
  get isLasting() {
    return this.#lasting.isLasting;
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
    for (const key of this.#lasting.keys()) if (key.startsWith(SESSION_PREFIX)) this.#lasting.removeItem(key);
  }

  /** The same, unless another session is the one that is remembered: it may run in another tab. @param {string} sessionId */
  endSession(sessionId) {
    if ((this.read(KEYS.sessionId) ?? sessionId) === sessionId) this.clearSession();
  }

  /** Forgets everything that the SDK keeps, whoever it is about. */
  forgetPerson() {
    this.#remove((key) => OURS.has(key) || key.startsWith(DONE_PREFIX) || isFormer(key));
  }

  /** What earlier releases kept of a person in clear. */
  forgetUnsealed() {
    this.#remove(isFormer);
  }

  /** @param {(key: string) => boolean} isMeant */
  #remove(isMeant) {
    for (const store of [this.#lasting, this.#tab])
      for (const key of store.keys()) if (isMeant(key)) store.removeItem(key);
  }

  /**
   * True for the first caller of all tabs, false for every later one: a dialog appears once, records are saved once.
   * @param {string} sessionId @param {"dialog"|"save"} what
   */
  claim(sessionId, what) {
    if (this.isDone(sessionId, what)) return false;
    this.markDone(sessionId, what);
    return true;
  }

  /** @param {string} sessionId @param {"dialog"|"save"} what */
  isDone(sessionId, what) {
    return this.#done(sessionId).includes(what);
  }

  /** Keeps the marks of one session only: an older one is over.
   * @param {string} sessionId @param {"dialog"|"save"} what */
  markDone(sessionId, what) {
    const done = [...this.#done(sessionId), what];
    for (const key of this.#lasting.keys()) if (key.startsWith(DONE_PREFIX)) this.#lasting.removeItem(key);
    this.#lasting.setItem(DONE_PREFIX + sessionId, done.join(" "));
  }

  #done(sessionId) {
    return (this.#lasting.getItem(DONE_PREFIX + sessionId) ?? "").split(" ").filter(Boolean);
  }
}

/** @param {string} key */
const isFormer = (key) => FORMER_KEYS.has(key) || key.startsWith(FORMER_PREFIX);

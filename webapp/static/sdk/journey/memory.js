/**
 * What this tab remembers of a journey: the last snapshot of today, the calls that were seen, a scan that has no person
 * yet. Tokens are never among it.
 * @module
 */

import { SafeStorage } from "../core/storage.js";
import { timeZone, useKeptTimeZone } from "./hospital_time.js";
import { dayOf } from "./snapshot.js";

const SNAPSHOT = "welno_journey_snapshot";
const SEEN = "welno_journey_seen_calls";
const SCAN = "welno_journey_scan";
const DEVICE = "welno_journey_device";
const SCAN_MILLISECONDS = 30 * 60_000;

export class JourneyMemory {
  #tab;
  #lasting;
  #now;

  /** @param {{tab?: import("../core/storage.js").Store, lasting?: import("../core/storage.js").Store,
   *   now?: () => number}} [options] */
  constructor({
    tab = new SafeStorage(() => sessionStorage),
    lasting = new SafeStorage(() => localStorage),
    now = Date.now,
  } = {}) {
    this.#tab = tab;
    this.#lasting = lasting;
    this.#now = now;
  }

  /** Bound to scans, so that nobody else can use their tokens. */
  get deviceId() {
    const known = this.#lasting.getItem(DEVICE);
    if (known && /^[A-Za-z0-9-]{8,64}$/.test(known)) return known;
    const made = crypto.randomUUID();
    this.#lasting.setItem(DEVICE, made);
    return made;
  }

  /** @param {any} snapshot */
  keepSnapshot(snapshot) {
    this.#write(SNAPSHOT, { snapshot, at: this.#now(), zone: timeZone() });
  }

  /** The last one of today, and when it was so. @returns {{snapshot: any, at: number}|null} */
  get snapshot() {
    const kept = this.#read(SNAPSHOT);
    useKeptTimeZone(kept?.zone);
    return kept && dayOf(kept.at) === dayOf(this.#now()) ? kept : null;
  }

  /** @param {string} key */
  keepSeen(key) {
    this.#write(SEEN, [...(this.#read(SEEN) ?? []).slice(-19), key]);
  }

  /** @param {string} key */
  isSeen(key) {
    return (this.#read(SEEN) ?? []).includes(key);
  }

  /** @param {{scan_token?: string|null, tag?: any, guidance?: any}} answer */
  keepScan({ scan_token, tag, guidance }) {
    this.#write(SCAN, { scan_token, tag, guidance, at: this.#now() });
  }

  /** The last scan while its token is good. @returns {any} */
  get scan() {
    const kept = this.#read(SCAN);
    return kept && this.#now() - kept.at < SCAN_MILLISECONDS ? kept : null;
  }

  /** The next person at this browser finds nothing. */
  forget() {
    for (const key of [SNAPSHOT, SEEN, SCAN]) this.#tab.removeItem(key);
  }

  forgetScan() {
    this.#tab.removeItem(SCAN);
  }

  /** @param {string} key @returns {any} */
  #read(key) {
    try {
      return JSON.parse(this.#tab.getItem(key) ?? "null");
    } catch {
      return null;
    }
  }

  /** @param {string} key @param {any} value */
  #write(key, value) {
    this.#tab.setItem(key, JSON.stringify(value));
  }
}

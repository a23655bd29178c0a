/**
 * The person's own copy of the records, in this browser's IndexedDB.
 * @module
 */

import { settled, transact } from "../core/storage.js";
import { mergeRecord } from "./merge.js";

const NAME = "WelnoHealthDB";
const STORE = "health_data";

/** @typedef {import("./merge.js").HealthRecord} HealthRecord */
/** @typedef {import("./merge.js").FreshRecords} FreshRecords */

/** Each call ends within seconds: it rejects with a StoreError where the browser forbids, blocks or lacks the store. */
export class HealthDatabase {
  #plan;
  #clock;

  /** @param {{factory?: IDBFactory, clock?: () => Date, milliseconds?: number}} [options] */
  constructor({ factory = globalThis.indexedDB, clock = () => new Date(), milliseconds } = {}) {
    this.#plan = { factory, name: NAME, store: STORE, options: { keyPath: "uuid" }, milliseconds };
    this.#clock = clock;
  }

  /**
   * The only writer. `merge` joins with what is there, `replace` keeps nothing but `createdAt`; both are one
   * transaction, so that two tabs never lose each other's records.
   * @param {FreshRecords} fresh @param {{mode?: "merge"|"replace"}} [options] @returns {Promise<HealthRecord>}
   */
  saveRecords(fresh, { mode = "merge" } = {}) {
    return transact(this.#plan, "readwrite", async (store) => {
      const kept = await settled(store.get(fresh.uuid));
      const base = mode === "merge" ? kept : kept && { ...kept, healthData: [], prescriptionData: [] };
      const record = mergeRecord(base, fresh, this.#clock().toISOString());
      await settled(store.put(record));
      return record;
    });
  }

  /** @param {string} uuid @returns {Promise<HealthRecord|null>} */
  async readRecords(uuid) {
    return (await transact(this.#plan, "readonly", (store) => settled(store.get(uuid)))) ?? null;
  }

  /** @param {string} uuid */
  forgetRecords(uuid) {
    return transact(this.#plan, "readwrite", (store) => settled(store.delete(uuid)));
  }
}

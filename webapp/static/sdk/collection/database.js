/**
 * The person's own copy of the records, in this browser's IndexedDB.
 * @module
 */

import { mergeRecord } from "./merge.js";

const NAME = "WelnoHealthDB";
const STORE = "health_data";

/** @typedef {import("./merge.js").HealthRecord} HealthRecord */
/** @typedef {import("./merge.js").FreshRecords} FreshRecords */

export class HealthDatabase {
  #factory;
  #clock;

  /** @param {{factory?: IDBFactory, clock?: () => Date}} [options] */
  constructor({ factory = globalThis.indexedDB, clock = () => new Date() } = {}) {
    this.#factory = factory;
    this.#clock = clock;
  }

  /**
   * The only writer. `merge` joins with what is there, `replace` keeps nothing but `createdAt`; both are one
   * transaction, so that two tabs never lose each other's records.
   * @param {FreshRecords} fresh @param {{mode?: "merge"|"replace"}} [options] @returns {Promise<HealthRecord>}
   */
  saveRecords(fresh, { mode = "merge" } = {}) {
    return this.#within("readwrite", async (store) => {
      const kept = await settled(store.get(fresh.uuid));
      const base = mode === "merge" ? kept : kept && { ...kept, healthData: [], prescriptionData: [] };
      const record = mergeRecord(base, fresh, this.#clock().toISOString());
      await settled(store.put(record));
      return record;
    });
  }

  /** @param {string} uuid @returns {Promise<HealthRecord|null>} */
  async readRecords(uuid) {
    return (await this.#within("readonly", (store) => settled(store.get(uuid)))) ?? null;
  }

  /** @param {string} uuid */
  forgetRecords(uuid) {
    return this.#within("readwrite", (store) => settled(store.delete(uuid)));
  }

  async #within(mode, act) {
    const database = await this.#open();
    try {
      const transaction = database.transaction(STORE, mode);
      const done = committed(transaction);
      const result = await act(transaction.objectStore(STORE));
      await done;
      return result;
    } finally {
      database.close();
    }
  }

  /** Without a version: another front end may have raised it; ours is added where the store is missing. */
  async #open() {
    const database = await this.#openVersion(undefined);
    if (database.objectStoreNames.contains(STORE)) return database;
    const next = database.version + 1;
    database.close();
    return this.#openVersion(next);
  }

  #openVersion(version) {
    const request = this.#factory.open(NAME, version);
    request.onupgradeneeded = () => {
      if (!request.result.objectStoreNames.contains(STORE)) {
        request.result.createObjectStore(STORE, { keyPath: "uuid" });
      }
    };
    return settled(request);
  }
}

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function committed(transaction) {
  const done = new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(undefined);
    transaction.onabort = () => reject(transaction.error);
  });
  done.catch(() => {}); // whoever awaits it later still hears it; until then it is not "unhandled"
  return done;
}

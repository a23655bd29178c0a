/**
 * The person's own copy of the records, in this browser's IndexedDB, sealed under a key that ends with their session.
 * @module
 */

import { seal, unseal } from "../core/sealing.js";
import { deleteDatabase, ownDatabases, settled, StoreError, transact, transactIfThere } from "../core/storage.js";
import { WelnoClient } from "./client.js";
import { BrowserKeys } from "./keys.js";
import { mergeRecord } from "./merge.js";

const NAME = "WelnoHealthDB";
const STORE = "health_data";
const MOST_WRITERS = 10; // as many tabs may save one person's records in the same moment
const REFUSALS = new Set([401, 403, 404]);

/** @typedef {import("./merge.js").HealthRecord} HealthRecord */
/** @typedef {import("./merge.js").FreshRecords} FreshRecords */
/** As it lies there. @typedef {{uuid: string, createdAt: string, updatedAt: string, dataSource: "tilko"}
 *   & import("../core/sealing.js").Sealed} SealedRow */

/**
 * Each call on the store ends within seconds: it rejects with a StoreError where the browser forbids, blocks or lacks the
 * store, or WebCrypto. Where the key cannot be had it rejects with a WelnoError.
 */
export class HealthDatabase {
  #plan;
  #clock;
  #keys;
  #era = 0; // what belongs to an earlier one is not written any more

  /** @param {{client?: import("./keys.js").KeySource, factory?: IDBFactory, clock?: () => Date,
   *   milliseconds?: number}} [options] `client` asks for the keys */
  constructor({ client = new WelnoClient(), factory = ownDatabases(), clock = () => new Date(), milliseconds } = {}) {
    this.#plan = { factory, name: NAME, store: STORE, options: { keyPath: "uuid" }, milliseconds };
    this.#clock = clock;
    this.#keys = new BrowserKeys(client);
  }

  /**
   * The only writer. `merge` joins with what is there and opens, `replace` keeps nothing but `createdAt`. Sealing takes
   * longer than a transaction stays open: a row that another tab wrote meanwhile is read and joined again.
   * @param {FreshRecords} fresh @param {{mode?: "merge"|"replace", signal?: AbortSignal}} [options] once `signal` is
   *   aborted nothing is written, and it rejects @returns {Promise<HealthRecord>}
   */
  async saveRecords(fresh, { mode = "merge", signal } = {}) {
    const era = this.#era;
    for (let tries = 0; tries < MOST_WRITERS; tries += 1) {
      const row = await this.#read(fresh.uuid);
      const opened = row && mode === "merge" ? await this.#open(row) : null;
      const kept = row && { ...row, healthData: [], prescriptionData: [], ...opened };
      const record = mergeRecord(kept, fresh, this.#clock().toISOString());
      const sealed = await this.#seal(record);
      signal?.throwIfAborted();
      if (era !== this.#era) break;
      if (await this.#replace(row, sealed)) return record;
    }
    throw new StoreError("STORE_FAILED");
  }

  /** What does not open is of no more use to anybody, and goes. @param {string} uuid
   * @returns {Promise<HealthRecord|null>} */
  async readRecords(uuid) {
    const row = await this.#read(uuid);
    if (!row) return null;
    let record = null;
    try {
      record = await this.#open(row);
    } catch (/** @type {any} */ error) {
      if (!REFUSALS.has(error.status)) throw error; // a server that does not answer may give the key later
    }
    if (!record) await this.#replace(row, null);
    return record;
  }

  /** Of everybody but this patient: their keys ended when this one's session began. @param {string} uuid */
  forgetOthers(uuid) {
    return this.#deleteRows((row) => row.uuid !== uuid);
  }

  /** Of everybody, with the keys and the database itself; what is being saved just now is not. */
  async forgetEverything() {
    this.#era += 1;
    this.#keys.forget();
    await transactIfThere(this.#plan, "readwrite", (store) => settled(store.clear()));
    await deleteDatabase(this.#plan);
  }

  /** What was kept in clear, before records were sealed; the server has it all. */
  forgetUnsealed() {
    return this.#deleteRows((row) => !row.sealed);
  }

  /** @param {(row: any) => boolean} isMeant */
  #deleteRows(isMeant) {
    return transactIfThere(this.#plan, "readwrite", async (store) => {
      const rows = await settled(store.getAll());
      await Promise.all(rows.filter(isMeant).map((row) => settled(store.delete(row.uuid))));
    });
  }

  /** @param {string} uuid @returns {Promise<any>} */
  #read(uuid) {
    return transactIfThere(this.#plan, "readonly", (store) => settled(store.get(uuid)));
  }

  /** Unless another tab wrote the row meanwhile. @param {SealedRow|undefined} before @param {SealedRow|null} row null
   * deletes it, where there is anything left to delete */
  #replace(before, row) {
    const change = row ? transact : transactIfThere;
    return change(this.#plan, "readwrite", async (store) => {
      const uuid = /** @type {SealedRow} */ (row ?? before).uuid;
      if (!isSame(await settled(store.get(uuid)), before)) return false;
      await settled(/** @type {IDBRequest<any>} */ (row ? store.put(row) : store.delete(uuid)));
      return true;
    });
  }

  /** @param {SealedRow} row @returns {Promise<HealthRecord|null>} null where no key that we get opens it */
  async #open(row) {
    if (!row.sealed) return null;
    const { iv, sealed, ...plain } = row;
    let personal = await unseal(await this.#keys.keyOf(row.uuid), row.uuid, { iv, sealed });
    if (personal === undefined) {
      this.#keys.forget(row.uuid); // another tab may have a newer session, and so another key
      personal = await unseal(await this.#keys.keyOf(row.uuid), row.uuid, { iv, sealed });
    }
    return personal === undefined ? null : { ...plain, ...personal };
  }

  /** @param {HealthRecord} record @returns {Promise<SealedRow>} */
  async #seal({ uuid, createdAt, updatedAt, dataSource, ...personal }) {
    return { uuid, createdAt, updatedAt, dataSource, ...(await seal(await this.#keys.keyOf(uuid), uuid, personal)) };
  }
}

/** No two writes have the same iv. */
function isSame(row, other) {
  return String(row?.iv) === String(other?.iv) && row?.updatedAt === other?.updatedAt;
}

/**
 * A member's own IndexedDB: outbox, inbox, meta and keys. Computers are shared: each member has a database of their own.
 * @module
 */

import { deleteDatabase, ownDatabases, settled, StoreError, within } from "../core/storage.js";
import { digestBytes, textBytes, toHex } from "./encoding.js";

export const DATABASE_PREFIX = "threads-db-";
const NAME_BYTES = 8;
const VERSION = 1;
const ANSWER_MILLISECONDS = 15_000; // strict durability waits for the disk
// A hidden tab's connection may be dropped under our hands, as by Safari: it is opened once more.
const DROPPED = new Set(["InvalidStateError", "UnknownError"]);

/** @typedef {"outbox"|"inbox"|"meta"|"keys"} StoreName */
/** @typedef {Record<StoreName, IDBObjectStore>} Stores */

/** @param {string} memberId */
export async function databaseName(memberId) {
  const digest = await digestBytes(textBytes(memberId));
  return DATABASE_PREFIX + toHex(digest.slice(0, NAME_BYTES));
}

/** Every call ends within a time, and one that fails has written nothing: what is late is undone, and only what is being
 * committed by then is waited for. It rejects with a StoreError where the browser forbids, blocks or lacks the store. */
export class ThreadsDatabase {
  #name;
  #factory;
  #opening = /** @type {Promise<IDBDatabase>|null} */ (null);

  /** @param {string} name @param {IDBFactory} [factory] */
  constructor(name, factory = ownDatabases()) {
    this.#name = name;
    this.#factory = factory;
  }

  /** @param {string} memberId @param {IDBFactory} [factory] */
  static async of(memberId, factory) {
    return new ThreadsDatabase(await databaseName(memberId), factory);
  }

  get name() {
    return this.#name;
  }

  /** Whether it goes with its tab. */
  get isTabOnly() {
    return false;
  }

  /** By which locks and channels are named of all tabs that share it. */
  get scope() {
    return this.#name;
  }

  /**
   * Committed when this resolves. `act` may wait for requests of its transaction and for nothing else, and may be run
   * a second time where the connection was dropped.
   * @template Value @param {StoreName[]} names @param {(stores: Stores) => Promise<Value>} act
   * @param {{isStrict?: boolean}} [how] `isStrict`: on the disk, whatever dies next @returns {Promise<Value>}
   */
  write(names, act, { isStrict = false } = {}) {
    return this.#run(names, "readwrite", act, isStrict ? "strict" : "default");
  }

  /** @template Value @param {StoreName[]} names @param {(stores: Stores) => Promise<Value>} act @returns {Promise<Value>} */
  read(names, act) {
    return this.#run(names, "readonly", act, "default");
  }

  /** For a later version, or for good; the next call opens it again. */
  async close() {
    const opening = this.#opening;
    this.#opening = null;
    (await opening?.catch(() => null))?.close();
  }

  /** With all that is in it. */
  async erase() {
    await this.close();
    await deleteDatabase({ factory: this.#factory, name: this.#name, store: "", options: {} });
  }

  /**
   * @template Value @param {StoreName[]} names @param {IDBTransactionMode} mode
   * @param {(stores: Stores) => Promise<Value>} act @param {IDBTransactionDurability} durability @returns {Promise<Value>}
   */
  async #run(names, mode, act, durability) {
    const tryOnce = async () => perform(await within(this.#open(), ANSWER_MILLISECONDS), names, mode, act, durability);
    try {
      return await tryOnce().catch(async (error) => {
        if (!DROPPED.has(error?.name)) throw error;
        await this.close();
        return tryOnce();
      });
    } catch (error) {
      throw error instanceof DOMException ? new StoreError("STORE_FAILED", error) : error;
    }
  }

  /** @returns {Promise<IDBDatabase>} */
  #open() {
    if (!this.#factory) throw new StoreError("STORE_FAILED");
    const opening = (this.#opening ??= openDatabase(this.#factory, this.#name, () => this.close()));
    opening.catch(() => {
      if (this.#opening === opening) this.#opening = null;
    });
    return opening;
  }
}

/** @param {IDBFactory} factory @param {string} name @param {() => void} onLost */
async function openDatabase(factory, name, onLost) {
  const request = factory.open(name, VERSION);
  request.onupgradeneeded = () => addStores(request.result);
  const database = await settled(request);
  database.onversionchange = onLost; // another tab has a newer version, or erases it
  database.onclose = onLost;
  return database;
}

/** A later version only adds. @param {Pick<IDBDatabase, "createObjectStore">} database */
export function addStores(database) {
  const outbox = database.createObjectStore("outbox", { keyPath: "dedupeId" });
  outbox.createIndex("byClientSeq", ["threadId", "clientSeq"]);
  const inbox = database.createObjectStore("inbox", { keyPath: ["threadId", "epoch", "seq"] });
  inbox.createIndex("byDedupeId", ["threadId", "epoch", "dedupeId"]);
  database.createObjectStore("meta");
  database.createObjectStore("keys");
}

/**
 * @template Value @param {IDBDatabase} database @param {StoreName[]} names @param {IDBTransactionMode} mode
 * @param {(stores: Stores) => Promise<Value>} act @param {IDBTransactionDurability} durability @returns {Promise<Value>}
 */
async function perform(database, names, mode, act, durability) {
  const transaction = database.transaction(names, mode, { durability });
  const done = committed(transaction);
  const stores = /** @type {Stores} */ (Object.fromEntries(names.map((name) => [name, transaction.objectStore(name)])));
  try {
    const [result] = await Promise.all([act(stores), done]);
    return result;
  } catch (error) {
    undo(transaction);
    throw error;
  }
}

/** @param {IDBTransaction} transaction @returns {boolean} false: it has ended by itself, or is being committed */
function undo(transaction) {
  try {
    transaction.abort();
    return true;
  } catch {
    return false;
  }
}

/** @param {IDBTransaction} transaction @returns {Promise<void>} */
function committed(transaction) {
  let timer;
  const done = new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(undefined);
    transaction.onabort = () => reject(transaction.error ?? new StoreError("STORE_FAILED"));
    // Whoever is told that it failed may write it once more.
    timer = setTimeout(() => undo(transaction) && reject(new StoreError("STORE_SILENT")), ANSWER_MILLISECONDS);
  }).finally(() => clearTimeout(timer));
  done.catch(() => {}); // whoever awaits it later still gets the error; until then it is not "unhandled"
  return done;
}

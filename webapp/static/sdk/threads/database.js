/**
 * A member's own IndexedDB: outbox, inbox, meta and keys. Computers are shared: each member has a database of their own.
 * @module
 */

import { deleteDatabase, ownDatabases, settled, StoreError, within } from "../core/storage.js";
import { digestBytes, textBytes, toHex } from "./encoding.js";
import { ErasedError } from "./errors.js";

export const DATABASE_PREFIX = "threads-db-";
const NAME_BYTES = 8;
const IDENTITY = "databaseId"; // in `meta`
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
 * committed by then is waited for. It rejects with a StoreError where the browser forbids, blocks or lacks the store, and
 * with an ErasedError once the database that was opened first is erased: the next one of that name is another device's. */
export class ThreadsDatabase {
  #name;
  #factory;
  #opening = /** @type {Promise<IDBDatabase>|null} */ (null);
  #identity = /** @type {string|null|undefined} */ (undefined); // null of one that an older version has made
  #isErased = false;
  #onErased = () => {};

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

  /** What is told when another tab has erased it, which is found out at once while it is open, and else by the next call.
   * @param {() => void} act */
  whenErased(act) {
    this.#onErased = act;
    if (this.#isErased) act();
  }

  /** From now on it is known which one it is. */
  async open() {
    await this.read(["meta"], async () => null);
  }

  /** For a later version, or for good; the next call opens it again. */
  async close() {
    const opening = this.#opening;
    this.#opening = null;
    (await opening?.catch(() => null))?.close();
  }

  /** With all that is in it. Nothing is written here any more, and other tabs are told. */
  async erase() {
    this.#isErased = true; // at once: what is written meanwhile would be in the next one
    try {
      await this.close();
      await deleteDatabase({ factory: this.#factory, name: this.#name, store: "", options: {} });
    } catch (error) {
      this.#isErased = false;
      throw error;
    }
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
    if (this.#isErased) throw new ErasedError();
    const opening = (this.#opening ??= this.#openSame());
    opening.catch(() => {
      if (this.#opening === opening) this.#opening = null;
    });
    return opening;
  }

  /** While it is open nobody erases it, so that its identity is compared once each time. @returns {Promise<IDBDatabase>} */
  async #openSame() {
    const database = await openDatabase(this.#factory, this.#name);
    database.onclose = () => void this.close();
    database.onversionchange = ({ newVersion }) => {
      void this.close(); // another tab has a newer version, or erases it
      if (newVersion === null) this.#noteErased();
    };
    const identity = (await settled(database.transaction("meta").objectStore("meta").get(IDENTITY))) ?? null;
    if (this.#identity === undefined) this.#identity = identity;
    if (identity === this.#identity) return database;
    database.close();
    this.#noteErased();
    throw new ErasedError();
  }

  #noteErased() {
    if (this.#isErased) return;
    this.#isErased = true;
    this.#onErased();
  }
}

/** @param {IDBFactory} factory @param {string} name */
function openDatabase(factory, name) {
  const request = factory.open(name, VERSION);
  request.onupgradeneeded = () => {
    addStores(request.result);
    /** @type {IDBTransaction} */ (request.transaction).objectStore("meta").put(crypto.randomUUID(), IDENTITY);
  };
  return settled(request);
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

/**
 * A member's database where this browser keeps none: in the memory of one tab, and gone with it.
 * @module
 */

import { StoreError } from "../core/storage.js";
import { addStores, databaseName, ThreadsDatabase } from "./database.js";
import { MemoryStore } from "./memory_store.js";

/** @typedef {import("./database.js").StoreName} StoreName */
/** @typedef {import("./database.js").Stores} Stores */

/** Its transactions come one after the other; one that fails has written nothing. */
export class TabDatabase extends ThreadsDatabase {
  #stores = makeStores();
  #last = /** @type {Promise<unknown>} */ (Promise.resolve());
  #scope = `${this.name}:${crypto.randomUUID()}`;

  /** @param {string} memberId */
  static async of(memberId) {
    return new TabDatabase(await databaseName(memberId));
  }

  get isTabOnly() {
    return true;
  }

  get scope() {
    return this.#scope;
  }

  /** How many rows there are, for who cannot wait. @param {StoreName} name */
  countNow(name) {
    return this.#stores[name].size;
  }

  /** @template Value @param {StoreName[]} names @param {(stores: Stores) => Promise<Value>} act @returns {Promise<Value>} */
  write(names, act) {
    return this.#run(names, act);
  }

  /** @template Value @param {StoreName[]} names @param {(stores: Stores) => Promise<Value>} act @returns {Promise<Value>} */
  read(names, act) {
    return this.#run(names, act);
  }

  /** What is in it stays: nothing else has it. */
  async close() {}

  async erase() {
    this.#stores = makeStores();
  }

  /** @template Value @param {StoreName[]} names @param {(stores: Stores) => Promise<Value>} act @returns {Promise<Value>} */
  #run(names, act) {
    const done = this.#last.then(() => perform(names.map((name) => [name, this.#stores[name]]), act));
    this.#last = done.catch(() => {});
    return done;
  }
}

/** @returns {Record<StoreName, MemoryStore>} */
function makeStores() {
  const stores = /** @type {Record<string, MemoryStore>} */ ({});
  const createObjectStore = (/** @type {string} */ name, /** @type {any} */ options) => (stores[name] = new MemoryStore(options));
  addStores(/** @type {any} */ ({ createObjectStore }));
  return stores;
}

/** @template Value @param {[StoreName, MemoryStore][]} named @param {(stores: Stores) => Promise<Value>} act
 * @returns {Promise<Value>} */
async function perform(named, act) {
  for (const [, store] of named) store.begin();
  try {
    return await act(/** @type {any} */ (Object.fromEntries(named)));
  } catch (error) {
    for (const [, store] of named) store.rollBack();
    throw error instanceof DOMException ? new StoreError("STORE_FAILED", error) : error;
  }
}

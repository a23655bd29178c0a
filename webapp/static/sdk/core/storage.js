/**
 * The browser's own stores, none of which may hold a page up: what is forbidden or full is replaced by memory, and what
 * does not answer fails within a time.
 * @module
 */

const ANSWER_MILLISECONDS = 3_000;
const TEXTS = {
  STORE_SILENT: "이 브라우저의 저장 공간이 응답하지 않아요.",
  STORE_FAILED: "이 브라우저에 저장할 수 없어요.",
};

/** A store of this browser could not be used; `message` says so to the person. */
export class StoreError extends Error {
  /** @param {keyof typeof TEXTS} code @param {unknown} [cause] */
  constructor(code, cause) {
    super(TEXTS[code], { cause });
    this.name = "StoreError";
    this.code = code;
  }
}

/** @typedef {Storage|MemoryStorage|SafeStorage} Store */

/** Of this browser. Where there are none, or they may not even be named, each call on them fails with a StoreError.
 * @returns {IDBFactory} */
export function ownDatabases() {
  try {
    return globalThis.indexedDB;
  } catch {
    return /** @type {any} */ (undefined);
  }
}

/** A `Storage` that forgets with the page. */
export class MemoryStorage {
  #values = new Map();
  get length() {
    return this.#values.size;
  }
  key(index) {
    return [...this.#values.keys()][index] ?? null;
  }
  getItem(key) {
    return this.#values.get(key) ?? null;
  }
  setItem(key, value) {
    this.#values.set(key, String(value));
  }
  removeItem(key) {
    this.#values.delete(key);
  }
}

/** A `Storage` that never throws: what the real one does not take is kept for this page alone. */
export class SafeStorage {
  #store;
  #memory = new MemoryStorage();
  #isLasting = true;

  /** @param {() => Store} open where cookies are blocked, naming the store alone throws */
  constructor(open) {
    try {
      this.#store = open();
      this.#isLasting = Boolean(this.#store);
    } catch {
      this.#isLasting = false;
    }
    this.#store ??= this.#memory;
  }

  /** False once something could be kept for this page only. */
  get isLasting() {
    return this.#isLasting;
  }

  /** @returns {string[]} */
  keys() {
    return [...new Set([...keysOf(this.#memory), ...this.#try(() => keysOf(this.#store), [])])];
  }

  /** @param {string} key @returns {string|null} */
  getItem(key) {
    return this.#memory.getItem(key) ?? this.#try(() => this.#store.getItem(key), null);
  }

  /** @param {string} key @param {string} value */
  setItem(key, value) {
    try {
      this.#store.setItem(key, value);
      if (this.#store.getItem(key) !== String(value)) throw new StoreError("STORE_FAILED");
      if (this.#store !== this.#memory) this.#memory.removeItem(key);
    } catch {
      this.removeItem(key); // the older value would be read by the next page
      this.#memory.setItem(key, value);
      this.#isLasting = false;
    }
  }

  /** @param {string} key */
  removeItem(key) {
    this.#memory.removeItem(key);
    this.#try(() => this.#store.removeItem(key), undefined);
  }

  /** @template Value @param {() => Value} act @param {Value} otherwise @returns {Value} */
  #try(act, otherwise) {
    try {
      return act();
    } catch {
      return otherwise;
    }
  }
}

/** @param {Storage|MemoryStorage} store @returns {string[]} */
function keysOf(store) {
  return Array.from({ length: store.length }, (_, index) => store.key(index)).filter((key) => key !== null);
}

/**
 * The promise, or a StoreError once the time is over: for everything that waits for a store.
 * @template Value @param {Promise<Value>} promise @param {number} [milliseconds] @returns {Promise<Value>}
 */
export function within(promise, milliseconds = ANSWER_MILLISECONDS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new StoreError("STORE_SILENT")), milliseconds);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** How a database is opened: by whom, under which name, and what is to be there.
 * @typedef {{factory: IDBFactory, name: string, store: string, options: IDBObjectStoreParameters,
 *   milliseconds?: number, isMade?: boolean}} DatabasePlan `isMade`, where it is missing; else there is nothing to do */

/**
 * One transaction on one object store, which is made where it is missing. It is committed when this resolves, and undone
 * when the time is over. Another tab is never kept from a newer version.
 * @template Value @param {DatabasePlan} plan @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => Promise<Value>} act @returns {Promise<Value>} rejects with a StoreError
 */
export async function transact(plan, mode, act) {
  const over = new AbortController();
  try {
    return await within(run(plan, mode, act, over.signal), plan.milliseconds);
  } catch (error) {
    throw error instanceof StoreError ? error : new StoreError("STORE_FAILED", error);
  } finally {
    over.abort();
  }
}

/** The whole database, once all tabs have closed it; ours do so at once. @param {DatabasePlan} plan
 * @returns {Promise<void>} rejects with a StoreError */
export async function deleteDatabase({ factory, name, milliseconds }) {
  try {
    await within(settled(factory.deleteDatabase(name)), milliseconds);
  } catch (error) {
    throw error instanceof StoreError ? error : new StoreError("STORE_FAILED", error);
  }
}

/** The same on what is there: nothing is made by looking, also where another tab deletes it at this moment.
 * @template Value @param {DatabasePlan} plan @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => Promise<Value>} act @returns {Promise<Value|null>} null where there is none */
export function transactIfThere(plan, mode, act) {
  return transact({ ...plan, isMade: false }, mode, act);
}

async function run(plan, mode, act, signal) {
  const database = await openWithStore(plan);
  if (database === null) return null;
  try {
    signal.throwIfAborted(); // it answered too late: the caller has been told that nothing was done
    const transaction = database.transaction(plan.store, mode);
    const done = committed(transaction, signal);
    const result = await act(transaction.objectStore(plan.store));
    await done;
    return result;
  } finally {
    database.close();
  }
}

/** Without a version: another front end may have raised it; ours is added where the store is missing.
 * @param {DatabasePlan} plan */
async function openWithStore(plan) {
  const database = await open(plan, undefined);
  if (database === null || database.objectStoreNames.contains(plan.store)) return database;
  const next = database.version + 1;
  database.close();
  return plan.isMade === false ? null : open(plan, next);
}

/** @param {DatabasePlan} plan @param {number|undefined} version @returns {Promise<IDBDatabase|null>} null where it is
 * missing and not to be made */
async function open({ factory, name, store, options, isMade = true }, version) {
  const request = factory.open(name, version);
  let isMissing = false;
  request.onupgradeneeded = ({ oldVersion }) => {
    isMissing = oldVersion === 0 && !isMade;
    if (isMissing) request.transaction?.abort();
    else if (!request.result.objectStoreNames.contains(store)) request.result.createObjectStore(store, options);
  };
  const database = await settled(request).catch((error) => (isMissing ? null : Promise.reject(error)));
  if (database) database.onversionchange = () => database.close();
  return database;
}

/** @template Value @param {IDBRequest<Value>} request @returns {Promise<Value>} */
export function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** From one key to another, with both; also where a browser lacks IndexedDB with all that belongs to it.
 * @param {any} lower @param {any} upper @returns {IDBKeyRange} */
export function keysBetween(lower, upper) {
  return globalThis.IDBKeyRange?.bound(lower, upper) ?? /** @type {any} */ ({ lower, upper });
}

/** @param {IDBTransaction} transaction @param {AbortSignal} signal undoes it @returns {Promise<void>} */
function committed(transaction, signal) {
  const abort = () => transaction.abort();
  signal.addEventListener("abort", abort);
  const done = new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(undefined);
    transaction.onabort = () => reject(transaction.error ?? signal.reason);
  }).finally(() => signal.removeEventListener("abort", abort));
  done.catch(() => {}); // whoever awaits it later still gets the error; until then it is not "unhandled"
  return done;
}

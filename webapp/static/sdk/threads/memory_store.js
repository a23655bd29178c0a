/**
 * Object stores in memory, as far as the threads' code uses those of IndexedDB: what is in them goes with their page.
 * @module
 */

const RANKS = /** @type {Record<string, number>} */ ({ number: 0, string: 1, object: 2 });

/** @typedef {{lower: any, upper: any}} KeyRange both are in it */
/** @typedef {string|string[]|null} KeyPath */

/** In the order of IndexedDB: numbers, texts, lists. @param {any} one @param {any} other @returns {number} */
export function compareKeys(one, other) {
  const ranks = RANKS[typeof one] - RANKS[typeof other];
  if (ranks !== 0) return ranks;
  if (!Array.isArray(one)) return one < other ? -1 : Number(one > other);
  for (let at = 0; at < Math.min(one.length, other.length); at += 1) {
    const order = compareKeys(one[at], other[at]);
    if (order !== 0) return order;
  }
  return one.length - other.length;
}

/** One object store. Whatever is asked is done at once and answered later, as by a request of IndexedDB. */
export class MemoryStore {
  #keyPath;
  #rows = new SortedEntries();
  #indexes = /** @type {Map<string, MemoryIndex>} */ (new Map());
  #undo = /** @type {(() => void)[]} */ ([]);

  /** @param {{keyPath?: KeyPath}} [options] */
  constructor({ keyPath = null } = {}) {
    this.#keyPath = keyPath;
  }

  get size() {
    return this.#rows.size;
  }

  /** @param {string} name @param {KeyPath} keyPath */
  createIndex(name, keyPath) {
    this.#indexes.set(name, new MemoryIndex(keyPath, this.#rows));
  }

  /** A transaction, of which there is one at a time. */
  begin() {
    this.#undo = [];
  }

  /** As it was when the transaction began. */
  rollBack() {
    for (const undo of this.#undo.reverse()) undo();
    this.#undo = [];
  }

  /** @param {string} name @returns {MemoryIndex} */
  index(name) {
    return /** @type {MemoryIndex} */ (this.#indexes.get(name));
  }

  /** @param {any} key */
  get(key) {
    return answered(copy(this.#rows.get(key)));
  }

  /** @param {KeyRange} [range] */
  getAll(range) {
    return answered(this.#rows.between(range).map(({ value }) => copy(value)));
  }

  /** @param {KeyRange} [range] */
  getAllKeys(range) {
    return answered(this.#rows.between(range).map(({ key }) => copy(key)));
  }

  /** @param {any} [key] all without one */
  count(key) {
    return answered(key === undefined ? this.size : Number(this.#rows.get(key) !== undefined));
  }

  /** @param {any} value @param {any} [key] */
  put(value, key) {
    const at = this.#keyPath === null ? key : keyOf(value, this.#keyPath);
    this.#replace(at, copy(value));
    return answered(at);
  }

  /** @param {any} value @param {any} [key] */
  add(value, key) {
    const at = this.#keyPath === null ? key : keyOf(value, this.#keyPath);
    if (this.#rows.get(at) !== undefined) throw new DOMException("it is there already", "ConstraintError");
    return this.put(value, key);
  }

  /** @param {any} key */
  delete(key) {
    this.#replace(key, undefined);
    return answered(undefined);
  }

  /** @param {any} key @param {any} value undefined: none from now on */
  #replace(key, value) {
    const before = this.#set(key, value);
    this.#undo.push(() => this.#set(key, before));
  }

  /** @param {any} key @param {any} value @returns {any} the one before */
  #set(key, value) {
    const before = this.#rows.set(copy(key), value);
    for (const index of this.#indexes.values()) index.note(key, before, value);
    return before;
  }
}

/** Rows by what they say. Those that lack a part of the key are not in it. */
class MemoryIndex {
  #keyPath;
  #rows;
  #entries = new SortedEntries(); // by the key and the row's own

  /** @param {KeyPath} keyPath @param {SortedEntries} rows */
  constructor(keyPath, rows) {
    this.#keyPath = keyPath;
    this.#rows = rows;
  }

  /** A row was replaced. @param {any} rowKey @param {any} before @param {any} after */
  note(rowKey, before, after) {
    for (const [row, value] of [[before, undefined], [after, rowKey]]) {
      const key = row === undefined ? undefined : keyOf(row, this.#keyPath);
      if (key !== undefined) this.#entries.set([key, rowKey], value);
    }
  }

  getAll() {
    return answered(this.#entries.between().map(({ value }) => copy(this.#rows.get(value))));
  }

  /** @param {any} key */
  count(key) {
    let found = 0;
    for (let at = this.#entries.from([key]); this.#isOf(key, at); at += 1) found += 1;
    return answered(found);
  }

  openCursor() {
    const request = new MemoryRequest();
    /** @param {number} at */
    const goTo = (at) => {
      const entry = this.#entries.at(at);
      if (!entry) return request.answer(null);
      const next = (/** @type {any} */ key) => (key === undefined ? this.#entries.from(entry.key) + 1 : this.#entries.from([key]));
      const goOn = (/** @type {any} */ key) => goTo(next(key));
      return request.answer({ value: copy(this.#rows.get(entry.value)), continue: goOn });
    };
    goTo(0);
    return request;
  }

  /** @param {any} key @param {number} at */
  #isOf(key, at) {
    const entry = this.#entries.at(at);
    return entry !== undefined && compareKeys(entry.key[0], key) === 0;
  }
}

/** Values by their keys, in the keys' order. */
class SortedEntries {
  #entries = /** @type {{key: any, value: any}[]} */ ([]);

  get size() {
    return this.#entries.length;
  }

  /** @param {number} at */
  at(at) {
    return this.#entries[at];
  }

  /** Where those begin that are not before a key. @param {any} key */
  from(key) {
    let [first, end] = [0, this.#entries.length];
    while (first < end) {
      const middle = (first + end) >> 1;
      if (compareKeys(this.#entries[middle].key, key) < 0) first = middle + 1;
      else end = middle;
    }
    return first;
  }

  /** @param {any} key */
  get(key) {
    const entry = this.#entries[this.from(key)];
    return entry !== undefined && compareKeys(entry.key, key) === 0 ? entry.value : undefined;
  }

  /** @param {any} key @param {any} value undefined: none @returns {any} the one before */
  set(key, value) {
    const at = this.from(key);
    const before = this.get(key);
    const added = value === undefined ? [] : [{ key, value }];
    this.#entries.splice(at, before === undefined ? 0 : 1, ...added);
    return before;
  }

  /** @param {KeyRange} [range] all without one */
  between(range) {
    const first = range === undefined ? 0 : this.from(range.lower);
    const isIn = (/** @type {{key: any}} */ { key }) => range === undefined || compareKeys(key, range.upper) <= 0;
    const found = [];
    for (let at = first; at < this.#entries.length && isIn(this.#entries[at]); at += 1) found.push(this.#entries[at]);
    return found;
  }
}

/** What `settled` and a walk over rows wait for. */
class MemoryRequest {
  result = /** @type {any} */ (undefined);
  error = null;
  readyState = "pending";
  onsuccess = /** @type {(() => void)|null} */ (null);

  /** @param {any} result */
  answer(result) {
    this.readyState = "pending";
    queueMicrotask(() => {
      this.readyState = "done";
      this.result = result;
      this.onsuccess?.();
    });
  }
}

/** @param {any} result */
function answered(result) {
  const request = new MemoryRequest();
  request.answer(result);
  return request;
}

/** @param {any} row @param {KeyPath} path @returns {any} undefined where a part is missing */
function keyOf(row, path) {
  if (!Array.isArray(path)) return row[/** @type {string} */ (path)];
  const parts = path.map((name) => row[name]);
  return parts.includes(undefined) ? undefined : parts;
}

/** Nobody changes what is kept by changing what they gave or got. Keys and bytes are never changed, and need not be
 * possible to clone. @param {any} value @returns {any} */
function copy(value) {
  if (Array.isArray(value)) return value.map(copy);
  const isPlain = typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return isPlain ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, copy(one)])) : value;
}

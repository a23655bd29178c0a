/**
 * The browser's key-value stores, and what stands in for them where they are forbidden.
 * @module
 */

/** A `Storage` that forgets with the page: what is left when the browser forbids the real one. */
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

/** Reading the property alone throws where cookies are blocked.
 * @param {"localStorage"|"sessionStorage"} name @returns {Storage|MemoryStorage} */
export function usable(name) {
  try {
    const storage = globalThis[name];
    storage.setItem("welno_probe", "1");
    storage.removeItem("welno_probe");
    return storage;
  } catch {
    return new MemoryStorage();
  }
}

/** @param {Storage|MemoryStorage} store @returns {string[]} */
export function keysOf(store) {
  return Array.from({ length: store.length }, (_, index) => store.key(index)).filter((key) => key !== null);
}

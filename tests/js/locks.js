/** Web Locks as far as tabs use them: one holder, a queue, stealing. */

export class Locks {
  #holder = null;
  #queue = [];

  request(_name, how, use = how) {
    const { signal, steal } = how;
    return new Promise((resolve, reject) => {
      const wish = { use, resolve, reject };
      signal?.addEventListener("abort", () => {
        this.#queue = this.#queue.filter((other) => other !== wish);
        if (this.#holder !== wish) reject(new DOMException("no longer wanted", "AbortError"));
      });
      if (steal) {
        this.#holder?.reject(new DOMException("stolen", "AbortError"));
        this.#holder = null;
        this.#queue.unshift(wish);
      } else this.#queue.push(wish);
      queueMicrotask(() => this.#grant());
    });
  }

  #grant() {
    if (this.#holder || !this.#queue.length) return;
    const wish = this.#queue.shift();
    this.#holder = wish;
    const end = (settle) => (outcome) => {
      if (this.#holder !== wish) return;
      this.#holder = null;
      settle(outcome);
      this.#grant();
    };
    wish.use().then(end(wish.resolve), end(wish.reject));
  }
}

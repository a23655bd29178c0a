/**
 * Where this browser keeps nothing: the page says what that means, whoever closes it with something unsent is asked, and
 * its device ends with it.
 * @module
 */

import { find, make, show } from "../kit/dom.js";
import { TAB_ONLY } from "./words.js";

/** @typedef {{database: import("../../sdk/threads/tab_database.js").TabDatabase, deviceId: string,
 *   client: Pick<import("../../sdk/threads/client.js").ThreadsClient, "revoke">, countFiles: () => number}} TabOnlyParts */

export class TabOnly {
  #parts;
  #events = new AbortController();

  /** @param {TabOnlyParts} parts `countFiles`: those that are being sent */
  constructor(parts) {
    this.#parts = parts;
  }

  /** Until `close`. */
  start() {
    const [title, ...more] = TAB_ONLY;
    find("tab-only").replaceChildren(make("p", {}, make("strong", {}, title)), ...more.map((text) => make("p", {}, text)));
    show(find("tab-only"));
    const { signal } = this.#events;
    addEventListener("beforeunload", (event) => this.#ask(event), { signal });
    addEventListener("pagehide", () => void this.retire({ keepalive: true }), { signal });
  }

  /** The keys are about to go: what is written from now on is not to be sealed to them, and of a member's devices there
   * may be a few only. Where the server does not take it the device stays in the list. @param {{keepalive?: boolean}} [how]
   * @returns {Promise<boolean>} whether it is revoked */
  async retire(how) {
    try {
      await this.#parts.client.revoke(this.#parts.deviceId, how);
      this.close();
      return true;
    } catch (/** @type {any} */ error) {
      if (error.status === undefined) throw error;
      return false;
    }
  }

  /** Nobody is asked any more. */
  close() {
    this.#events.abort();
  }

  /** @param {BeforeUnloadEvent} event */
  #ask(event) {
    const { database, countFiles } = this.#parts;
    if (database.countNow("outbox") + countFiles() > 0) event.preventDefault();
  }
}

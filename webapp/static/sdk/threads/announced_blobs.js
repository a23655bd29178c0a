/**
 * Completes blobs once more after their envelopes: a member who joined in between, with what comes from now on alone, is
 * shown the envelope, and the blob only if it was completed since.
 * @module
 */

import { databaseName } from "./database.js";

const SIGNED_OUT = 401;
/** What somebody hears of a thread that they are not in, or only read in; also of a blob that is gone. */
const CLOSED_TO_US = new Set([403, 404]);

/** @typedef {import("./outbox.js").AnnouncedBlob} AnnouncedBlob */
/** @typedef {Pick<import("./client.js").ThreadsClient, "completeBlob"|"me"|"threads">} AnnouncingClient */

export class AnnouncedBlobs {
  #outbox;
  #client;
  #database;
  #left = /** @type {Set<string>} */ (new Set()); // threads in which the member cannot write just now

  /** @param {import("./outbox.js").Outbox} outbox @param {AnnouncingClient} client @param {string} database the name of the
   * member's */
  constructor(outbox, client, database) {
    this.#outbox = outbox;
    this.#client = client;
    this.#database = database;
  }

  /** Those of a thread that their member has left wait until they are back. @param {{isEarly?: boolean}} how `isEarly`:
   * they may be by now @returns {Promise<boolean>} false: the server does not answer just now, and some are left */
  async complete({ isEarly = false }) {
    if (isEarly) this.#left.clear();
    for (const blob of await this.#outbox.announced()) {
      if (this.#left.has(blob.threadId)) continue;
      try {
        if (await this.#isSettled(blob)) await this.#outbox.forgetAnnounced(blob.blobId);
        else this.#left.add(blob.threadId);
      } catch (/** @type {any} */ error) {
        if (error.status === undefined) throw error;
        return false;
      }
    }
    return true;
  }

  /** @param {AnnouncedBlob} blob @returns {Promise<boolean>} rejects with a WelnoError where the server does not answer */
  async #isSettled({ threadId, blobId, parts, sealedHash }) {
    try {
      await this.#client.completeBlob(threadId, blobId, { parts, sealedHash });
      return true;
    } catch (/** @type {any} */ error) {
      if (error.status === undefined || error.retryable || error.status === SIGNED_OUT) throw error;
      // A refusal is final for who may write there; it stays as it is.
      return !CLOSED_TO_US.has(error.status) || this.#mayWrite(threadId);
    }
  }

  /** Whether it is the member who asks, as the cookie may be somebody else's by now, and writes there.
   * @param {string} threadId @returns {Promise<boolean>} */
  async #mayWrite(threadId) {
    const [{ memberId }, threads] = await Promise.all([this.#client.me(), this.#client.threads()]);
    const isWriter = threads.some((one) => one.threadId === threadId && one.role !== "reader");
    return isWriter && (await databaseName(memberId)) === this.#database;
  }
}

/**
 * Fetches a larger thing in ranges, opens each as it comes, and gives it out when all of it is proved.
 * @module
 */

import { countParts, sealedRange } from "./blob_chunks.js";
import { DisbelievedError } from "./errors.js";
import { tryAgain } from "./transfers.js";

/** @typedef {Pick<import("./client.js").ThreadsClient, "readBlob">} DownloadClient */
/** @typedef {{client: DownloadClient, crypto: import("./worker_link.js").BlobCrypto,
 *   onProgress?: (share: number) => void, random?: () => number}} DownloadOptions */

export class BlobDownload {
  #told;
  #plan;
  #options;
  #sealed = /** @type {Blob[]} */ ([]);
  #opened = /** @type {Blob[]} */ ([]);
  #cancelled = new AbortController();

  /** @param {string} threadId @param {import("./blob_message.js").BlobMessage} told @param {DownloadOptions} options */
  constructor(threadId, told, options) {
    this.#told = told;
    this.#options = options;
    this.#plan = { threadId, blobId: told.blobId, key: told.key, size: told.size, chunkBytes: told.chunkBytes };
  }

  /** When it rejects, another call goes on behind what has come. @returns {Promise<Blob>} rejects with a WelnoError; with
   * a DisbelievedError where a chunk was changed, also when it was read again; with an AbortError where it was cancelled */
  async run() {
    const parts = countParts(this.#plan);
    while (this.#opened.length < parts) {
      await this.#take(this.#opened.length);
      this.#options.onProgress?.(this.#opened.length / parts);
    }
    // Whoever knows the key could make other chunks that open: the sender has signed these.
    if ((await this.#options.crypto.hashBlob(new Blob(this.#sealed))) !== this.#told.sealedHash) {
      this.#sealed = [];
      this.#opened = [];
      throw new DisbelievedError("BLOB_CHANGED");
    }
    return new Blob(this.#opened, { type: this.#told.type });
  }

  cancel() {
    this.#cancelled.abort();
  }

  /** What came may have been damaged on its way: it is read once more. @param {number} part from 0 */
  async #take(part) {
    try {
      await this.#takeOnce(part);
    } catch (error) {
      if (!(error instanceof DisbelievedError)) throw error;
      await this.#takeOnce(part);
    }
  }

  /** @param {number} part from 0 */
  async #takeOnce(part) {
    const { client, crypto: worker, random } = this.#options;
    const { threadId, blobId } = this.#plan;
    const { signal } = this.#cancelled;
    const range = { ...sealedRange(this.#plan, part), sealedHash: this.#told.sealedHash };
    const sealed = await tryAgain(() => client.readBlob(threadId, blobId, range, signal), signal, random);
    this.#opened[part] = new Blob([await worker.openBlobPart(this.#plan, sealed, part)]);
    this.#sealed[part] = new Blob([sealed]);
  }
}

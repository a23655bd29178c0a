/**
 * Sends a larger thing: encrypted part by part, each sent until the server has it, and told in an envelope when all are.
 * @module
 */

import { CHUNK_BYTES, countParts, makeBlobKey, sealedSize } from "./blob_chunks.js";
import { describeFile } from "./blob_message.js";
import { tryAgain } from "./transfers.js";

/** @typedef {Pick<import("./client.js").ThreadsClient, "putBlobPart"|"completeBlob">} UploadClient */
/** @typedef {{client: UploadClient, crypto: import("./worker_link.js").BlobCrypto,
 *   onProgress?: (share: number) => void, random?: () => number}} UploadOptions */

export class BlobUpload {
  #plan;
  #file;
  #options;
  #sealed = /** @type {Blob[]} */ ([]); // encrypted once: the same nonce must never meet another content
  #missing;
  #hash = "";
  #cancelled = new AbortController();

  /** @param {string} threadId @param {File} file @param {UploadOptions} options */
  constructor(threadId, file, options) {
    this.#file = file;
    this.#options = options;
    this.#plan = { threadId, blobId: crypto.randomUUID(), key: makeBlobKey(), size: file.size, chunkBytes: CHUNK_BYTES };
    this.#missing = Array.from({ length: countParts(this.#plan) }, (_, part) => part);
  }

  /**
   * What an envelope tells of it, once the server has all. When it rejects, another call goes on with the parts that are
   * missing. @returns {Promise<import("./blob_message.js").BlobMessage>} rejects with a WelnoError; with an AbortError
   * where it was cancelled; with a NotReadableError where the file has changed since it was chosen
   */
  async run() {
    await this.#sendMissing();
    this.#hash ||= await this.#options.crypto.hashBlob(new Blob(this.#sealed));
    await this.#complete();
    const { blobId, key, size, chunkBytes } = this.#plan;
    return { blobId, key, ...describeFile(this.#file.name, this.#file.type), size, chunkBytes, sealedHash: this.#hash };
  }

  /** `run()` rejects, also where the last call is under way. The server removes parts within a day; what it had completed
   * by then goes with its thread or after the days that threads are kept, and nobody is told its key. */
  cancel() {
    this.#cancelled.abort();
  }

  async #sendMissing() {
    while (this.#missing.length > 0) {
      await this.#send(this.#missing[0]);
      this.#missing.shift();
      this.#tellProgress();
    }
  }

  /** @param {number} part from 0 */
  async #send(part) {
    const { client, crypto: worker, random } = this.#options;
    const { threadId, blobId } = this.#plan;
    this.#sealed[part] ??= new Blob([await worker.sealBlobPart(this.#plan, this.#file, part)]);
    const { signal } = this.#cancelled;
    await tryAgain(() => client.putBlobPart(threadId, blobId, part + 1, this.#sealed[part], signal), signal, random);
  }

  /** What the server has lost meanwhile, it names. */
  async #complete() {
    const { client, random } = this.#options;
    const { threadId, blobId } = this.#plan;
    const told = { parts: this.#sealed.length, sealedHash: this.#hash };
    const complete = () => client.completeBlob(threadId, blobId, told);
    const { signal } = this.#cancelled;
    try {
      await tryAgain(complete, signal, random);
    } catch (/** @type {any} */ error) {
      if (error.code !== "BLOB_INCOMPLETE") throw error;
      this.#missing = error.details.missing.map((/** @type {number} */ number) => number - 1);
      await this.#sendMissing();
      await tryAgain(complete, signal, random);
    }
  }

  #tellProgress() {
    const sent = this.#sealed.reduce((sum, { size }) => sum + size, 0);
    this.#options.onProgress?.(sent / sealedSize(this.#plan));
  }
}

/**
 * Sends a larger thing: encrypted and kept before anything is sent, each part sent until the server has it, and told in an
 * envelope when all are.
 * @module
 */

import { underLock } from "../core/locks.js";
import { countParts, sealedRange, sealedSize } from "./blob_chunks.js";
import { gone, openKeptFile, sealFile } from "./sealed_file.js";
import { tryAgain } from "./transfers.js";

const TURN_MILLISECONDS = 60_000; // then another tab that wants to send the same may
const PATIENCE_MILLISECONDS = 2 * TURN_MILLISECONDS; // longer than a turn takes; then the tab that sends is frozen
// It knows nothing of the blob, or what it has is not what was sent, as half a part that it took for a whole one.
const HAS_NONE = new Set(["BLOB_NOT_FOUND", "HASH_MISMATCH"]);
const MOST_ROUNDS = 2; // a server that lacks parts again after it was given them does not keep them

/** @typedef {Pick<import("./client.js").ThreadsClient, "putBlobPart"|"completeBlob">} UploadClient */
/** @typedef {import("./kept_uploads.js").KeptUpload} KeptUpload */
/** @typedef {import("./kept_uploads.js").KeptUploads} KeptUploads */
/** @typedef {import("./sealed_file.js").SealedFile} SealedFile */
/** `waiting`: another tab sends it. @typedef {"preparing"|"waiting"|"sending"} UploadState */
/** `uploads`: where it is kept until its envelope waits in the outbox; else it goes with its page. What was kept needs it.
 * @typedef {{client: UploadClient, crypto: import("./sealed_file.js").SealingCrypto, uploads?: KeptUploads|null,
 *   onProgress?: (share: number) => void, onState?: (state: UploadState) => void, random?: () => number}} UploadOptions */

export class BlobUpload {
  #threadId;
  #blobId;
  #content;
  #options;
  #file = /** @type {Promise<SealedFile>|null} */ (null);
  #missing; // from 0; null: the server is asked, as it may have some from another page
  #isKept = false;
  #cancelled = new AbortController();

  /** @param {string} threadId @param {File|KeptUpload} content what a person chose, or a page of before has kept
   * @param {UploadOptions} options */
  constructor(threadId, content, options) {
    const isNew = content instanceof Blob;
    this.#threadId = threadId;
    this.#content = content;
    this.#options = options;
    this.#blobId = isNew ? crypto.randomUUID() : content.blobId;
    this.#missing = /** @type {number[]|null} */ (isNew ? [] : null);
  }

  get blobId() {
    return this.#blobId;
  }

  /** What `ThreadSender.send` is told after `run()`; null where it is not kept. */
  get uploadId() {
    return this.#isKept ? this.#blobId : null;
  }

  /**
   * Encrypts it, and keeps it where there is a place. From when this resolves with `isKept` on, the tab may die.
   * @returns {Promise<SealedFile>} rejects with an AbortError where it was cancelled, or sent or given up in another tab;
   *   with a NotReadableError where the file has changed since it was chosen, or its page was closed before all was kept
   */
  prepare() {
    this.#file ??= this.#prepare().catch((error) => {
      this.#file = null;
      throw error;
    });
    return this.#file;
  }

  /**
   * What an envelope tells of it, once the server has all. When it rejects, another call goes on with the parts that are
   * missing. @returns {Promise<import("./blob_message.js").BlobMessage>} rejects as `prepare()`, or with a WelnoError
   */
  async run() {
    const file = await this.prepare();
    this.#isKept = file.isKept;
    while (!(await this.#takeTurn(file))) this.#cancelled.signal.throwIfAborted();
    const { blobId, key, name, type, size, chunkBytes } = file.plan;
    return { blobId, key, name, type, size, chunkBytes, sealedHash: file.sealedHash };
  }

  /** `run()` rejects, also where the last call is under way; what is kept stays. The server removes parts within a day;
   * what it had completed by then goes with its thread or after the days that threads are kept, and nobody is told its
   * key. */
  cancel() {
    this.#cancelled.abort();
  }

  /** Under its lock: another tab that finds it half kept would take it for left. @returns {Promise<SealedFile>} */
  async #prepare() {
    const { crypto: worker, uploads = null, onState } = this.#options;
    const { signal } = this.#cancelled;
    const content = this.#content;
    const chosen = { threadId: this.#threadId, blobId: this.#blobId };
    onState?.(content instanceof Blob ? "preparing" : "waiting");
    if (!(content instanceof Blob)) {
      const place = { crypto: worker, uploads: /** @type {KeptUploads} */ (uploads) };
      return this.#underLock(() => openKeptFile(content.blobId, place));
    }
    const file = await this.#underLock(() => sealFile({ ...chosen, file: content }, { crypto: worker, uploads, signal }));
    this.#missing = allParts(file);
    return file;
  }

  /** @param {SealedFile} file @returns {Promise<boolean>} whether the server has all */
  #takeTurn(file) {
    this.#options.onState?.("waiting");
    return file.isKept ? this.#underLock(() => this.#sendUntilDue(file)) : this.#sendUntilDue(file);
  }

  /** @param {SealedFile} file @returns {Promise<boolean>} false: it was long enough for one turn */
  async #sendUntilDue(file) {
    const until = Date.now() + TURN_MILLISECONDS;
    await this.#requireThere(file);
    this.#options.onState?.("sending");
    const missing = this.#missing ?? (await this.#complete(file));
    if (this.#missing === null && missing.length === 0) return true; // by the question it was completed
    if (this.#missing === null) this.#tellProgress(file, missing);
    this.#missing = file.isKept ? null : missing; // by the next turn another tab may have sent some
    for (let round = 1; ; round += 1) {
      if (!(await this.#sendParts(file, missing, until))) return false;
      const lost = await this.#complete(file, { mayLack: round < MOST_ROUNDS });
      if (lost.length === 0) return true;
      missing.push(...lost);
    }
  }

  /** @param {SealedFile} file @param {number[]} missing from which each goes once it is sent @param {number} until
   * @returns {Promise<boolean>} false: it was long enough */
  async #sendParts(file, missing, until) {
    while (missing.length > 0) {
      if (Date.now() > until) return false;
      await this.#send(file, missing[0]);
      missing.shift();
      this.#tellProgress(file, missing);
    }
    return true;
  }

  /** @param {SealedFile} file @param {number} part from 0 */
  async #send(file, part) {
    const { client, random } = this.#options;
    const { signal } = this.#cancelled;
    const octets = await file.readPart(part);
    await tryAgain(() => client.putBlobPart(this.#threadId, this.#blobId, part + 1, octets, signal), signal, random);
  }

  /** What the server lacks it names; all is sent again where it has none, as of an upload that was left for too long.
   * @param {SealedFile} file @param {{mayLack?: boolean}} [how] @returns {Promise<number[]>} none: it is complete */
  async #complete(file, { mayLack = true } = {}) {
    const { client, random } = this.#options;
    const told = { parts: countParts(file.plan), sealedHash: file.sealedHash };
    try {
      await tryAgain(() => client.completeBlob(this.#threadId, this.#blobId, told), this.#cancelled.signal, random);
      return [];
    } catch (/** @type {any} */ error) {
      if (mayLack && error.code === "BLOB_INCOMPLETE") return error.details.missing.map((/** @type {number} */ number) => number - 1);
      if (mayLack && HAS_NONE.has(error.code)) return allParts(file);
      throw error;
    }
  }

  /** @param {SealedFile} file */
  async #requireThere(file) {
    this.#cancelled.signal.throwIfAborted();
    if (file.isKept && !(await this.#options.uploads?.find(this.#blobId))) throw gone();
  }

  /** @template Value @param {() => Promise<Value>} act sending the same twice is harmless @returns {Promise<Value>} */
  #underLock(act) {
    return underLock(`welno.threads.upload:${this.#blobId}`, act, { patienceMilliseconds: PATIENCE_MILLISECONDS });
  }

  /** @param {SealedFile} file @param {number[]} missing */
  #tellProgress({ plan }, missing) {
    const left = missing.map((part) => sealedRange(plan, part)).reduce((sum, { from, to }) => sum + to - from, 0);
    this.#options.onProgress?.(1 - left / sealedSize(plan));
  }
}

/** @param {SealedFile} file */
const allParts = ({ plan }) => Array.from({ length: countParts(plan) }, (_, part) => part);

/**
 * The page's end of the Worker that holds the keys: the methods of `ThreadCrypto` and of blobs, by messages.
 * @module
 */

import { StoreError } from "../core/storage.js";
import { DisbelievedError, ErasedError } from "./errors.js";
import { scriptUrl } from "../core/script_urls.js";

const BESIDE = new URL("./crypto_worker.js", import.meta.url);
// A Worker's script comes from the page's own origin alone: where the SDK came from another, its copy there.
const WORKER = BESIDE.origin === globalThis.location?.origin ? BESIDE.pathname : "/static/sdk/threads/crypto_worker.js";

/** @typedef {import("./thread_crypto.js").ThreadCrypto} ThreadCrypto */
/** @typedef {{resolve: (result: any) => void, reject: (error: Error) => void}} Waiting */

/** What a page calls; a ThreadCrypto of its own process is one too.
 * @typedef {Pick<ThreadCrypto, "keepsKeys"|"open"|"fingerprints"|"approve"|"makeKeyset"|"openKeys"|"makeRecovery"|"recover"
 *   |"sealRecovered"|"sealFor"|"seal"|"reseal"|"openItem">} Crypto */
/** The same for larger things. @typedef {Pick<typeof import("./blob_chunks.js"), "sealBlobPart"|"openBlobPart"|"hashBlob">} BlobCrypto */
/** For what is kept of them until it is sent. @typedef {Pick<ThreadCrypto, "sealUpload"|"openUpload">} UploadCrypto */

/** @implements {Crypto} @implements {BlobCrypto} @implements {UploadCrypto} */
export class WorkerLink {
  #worker;
  #waiting = /** @type {Map<number, Waiting>} */ (new Map());
  #last = 0;
  #failure = /** @type {Error|null} */ (null);
  #isLeft = false;

  /** @param {string} [url] of a script that imports `crypto_worker.js`; that of a page with a service worker lies in its
   * scope, so that the Worker starts without a network, too */
  constructor(url = WORKER) {
    this.#worker = new Worker(scriptUrl(url), { type: "module" });
    this.#worker.onmessage = ({ data }) => this.#settle(data);
    this.#worker.onerror = () => this.#fail(new Error("the worker did not start"));
  }

  /** @type {ThreadCrypto["keepsKeys"]} */
  keepsKeys = (...args) => this.#call("keepsKeys", args);
  /** @type {ThreadCrypto["open"]} */
  open = (...args) => this.#call("open", args);
  /** @type {ThreadCrypto["fingerprints"]} */
  fingerprints = (...args) => this.#call("fingerprints", args);
  /** @type {ThreadCrypto["approve"]} */
  approve = (...args) => this.#call("approve", args);
  /** @type {ThreadCrypto["makeKeyset"]} */
  makeKeyset = (...args) => this.#call("makeKeyset", args);
  /** @type {ThreadCrypto["openKeys"]} */
  openKeys = (...args) => this.#call("openKeys", args);
  /** @type {ThreadCrypto["makeRecovery"]} */
  makeRecovery = () => this.#call("makeRecovery", []);
  /** @type {ThreadCrypto["recover"]} */
  recover = (...args) => this.#call("recover", args);
  /** @type {ThreadCrypto["sealRecovered"]} */
  sealRecovered = (...args) => this.#call("sealRecovered", args);
  /** @type {ThreadCrypto["sealFor"]} */
  sealFor = (...args) => this.#call("sealFor", args);
  /** @type {ThreadCrypto["seal"]} */
  seal = (...args) => this.#call("seal", args);
  /** @type {ThreadCrypto["reseal"]} */
  reseal = (...args) => this.#call("reseal", args);
  /** @type {ThreadCrypto["openItem"]} */
  openItem = (...args) => this.#call("openItem", args);
  /** @type {UploadCrypto["sealUpload"]} */
  sealUpload = (...args) => this.#call("sealUpload", args);
  /** @type {UploadCrypto["openUpload"]} */
  openUpload = (...args) => this.#call("openUpload", args);
  /** @type {BlobCrypto["sealBlobPart"]} */
  sealBlobPart = (...args) => this.#call("sealBlobPart", args);
  /** @type {BlobCrypto["openBlobPart"]} */
  openBlobPart = (...args) => this.#call("openBlobPart", args);
  /** @type {BlobCrypto["hashBlob"]} */
  hashBlob = (...args) => this.#call("hashBlob", args);

  /** What is under way, and what still comes, fails: there is no Worker that could answer. */
  close() {
    this.#worker.terminate();
    this.#fail(new Error("the worker was closed"));
  }

  /** The page is left: nothing of it is answered any more, nor failed, as nobody is there who could take an error. */
  leave() {
    this.#isLeft = true;
    this.#waiting.clear();
    this.close();
  }

  /** @param {string} method @param {any[]} args @returns {Promise<any>} */
  #call(method, args) {
    this.#last += 1;
    const id = this.#last;
    return new Promise((resolve, reject) => {
      if (this.#isLeft) return;
      if (this.#failure) return reject(this.#failure); // nobody would answer
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, method, args });
    });
  }

  /** @param {{id: number, result?: any, error?: {name: string, code: any, message: string}}} answer */
  #settle({ id, result, error }) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) waiting?.reject(errorOf(error));
    else waiting?.resolve(result);
  }

  /** @param {Error} error */
  #fail(error) {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** As it was thrown: only its name and code came over. @param {{name: string, code: any, message: string}} told */
function errorOf({ name, code, message }) {
  if (name === "DisbelievedError") return new DisbelievedError(code);
  if (code === "STORE_ERASED") return new ErasedError();
  if (name === "StoreError") return new StoreError(code);
  return new Error(`${name}: ${message}`);
}

/**
 * Why something that came was not believed: a key, a device or an envelope that is not what it says; and why a browser
 * becomes no device.
 * @module
 */

import { StoreError } from "../core/storage.js";

/** @typedef {"INVALID_ENVELOPE"|"HASH_MISMATCH"|"BAD_SIGNATURE"|"UNKNOWN_DEVICE"|"NOT_A_MEMBER"|"UNKNOWN_KEY"
 *   |"UNDECIPHERABLE"|"REPLAYED"|"DEVICE_INVALID"|"DEVICE_CHANGED"|"KEY_SIGNATURE"|"KEY_MAKER"|"KEY_CHAIN"|"KEY_CHANGED"|"KEY_WRAP"
 *   |"KEY_CHECK"|"KEY_FORGETS"|"INVALID_BLOB"|"BLOB_CHANGED"} Disbelief */

export class DisbelievedError extends Error {
  /** @param {Disbelief} code stable @param {unknown} [cause] */
  constructor(code, cause) {
    super(code, { cause });
    this.name = "DisbelievedError";
    this.code = code;
  }
}

/** A device of one tab would be its member's first: it would end with the tab, and nobody could approve the next one. */
export class FirstDeviceError extends Error {
  constructor() {
    super("FIRST_DEVICE");
    this.name = "FirstDeviceError";
  }
}

/** Another tab has erased the member's database: what is there by now is another device's. The page has to be loaded anew. */
export class ErasedError extends StoreError {
  constructor() {
    super("STORE_FAILED");
    this.message = "다른 탭에서 이 브라우저를 새 기기로 등록했어요.";
    this.code = /** @type {any} */ ("STORE_ERASED");
  }
}

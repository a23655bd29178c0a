/**
 * Why something that came was not believed: a key, a device or an envelope that is not what it says; and why a browser
 * becomes no device.
 * @module
 */

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

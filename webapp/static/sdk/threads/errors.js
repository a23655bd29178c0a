/**
 * Why something that came was not believed: a key, a device or an envelope that is not what it says.
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

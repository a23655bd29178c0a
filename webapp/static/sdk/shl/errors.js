/**
 * Why a SMART Health Link was not opened.
 * @module
 */

/** @typedef {"NOT_A_LINK"|"NEWER_VERSION"|"INACTIVE"|"PASSCODE"|"TOO_OFTEN"|"UNREACHABLE"|"UNREADABLE"|"TOO_LARGE"} LinkFault */

/** `remainingAttempts` is set with `PASSCODE`, where the server told it; `retryAfterSeconds` with `TOO_OFTEN`. */
export class HealthLinkError extends Error {
  /** @param {LinkFault} code @param {{remainingAttempts?: number|null, retryAfterSeconds?: number|null, cause?: unknown}} [facts] */
  constructor(code, { remainingAttempts = null, retryAfterSeconds = null, cause } = {}) {
    super(code, { cause });
    this.name = "HealthLinkError";
    this.code = code;
    this.remainingAttempts = remainingAttempts;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/**
 * The one kind of error with which a call to the API fails.
 * @module
 */

/** What went wrong with a call. `code` is stable; `status` is 0 when no answer came at all. */
export class WelnoError extends Error {
  /** @param {{code: string, status: number, message?: string, details?: any, requestId?: string|null,
   *   retryAfterSeconds?: number|null, cause?: unknown}} facts */
  constructor({ code, status, message = code, details = null, requestId = null, retryAfterSeconds = null, cause }) {
    super(message, { cause });
    this.name = "WelnoError";
    this.code = code;
    this.status = status;
    this.details = details;
    this.requestId = requestId;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  get retryable() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

const NO_CONTENT = 204; // says by itself that there is nothing

/** Of an answer that is no success, or one that is none of what was asked for: a proxy's, then.
 * @param {Response} reply @param {any} answer its JSON, or null where there is none */
export function errorFrom(reply, answer) {
  const error = answer?.error ?? {};
  const wait = Number(reply.headers.get("Retry-After"));
  return new WelnoError({
    code: error.code ?? `HTTP_${reply.status}`,
    status: reply.ok && reply.status !== NO_CONTENT ? 502 : reply.status,
    message: error.message,
    details: error.details,
    requestId: answer?.request_id ?? reply.headers.get("X-Request-ID"),
    retryAfterSeconds: Number.isFinite(wait) && wait > 0 ? wait : null,
  });
}

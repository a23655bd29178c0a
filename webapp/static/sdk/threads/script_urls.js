/**
 * Addresses of scripts, for pages that take them through the one trusted-types policy `welno` alone.
 * @module
 */

let policy = /** @type {any} */ (null);

/** @param {"/sw.js"|"/static/sdk/threads/crypto_worker.js"} url @returns {any} */
export function scriptUrl(url) {
  const types = /** @type {any} */ (globalThis).trustedTypes;
  policy ??= types?.createPolicy("welno", { createScriptURL: (/** @type {string} */ text) => text });
  return policy ? policy.createScriptURL(url) : url;
}

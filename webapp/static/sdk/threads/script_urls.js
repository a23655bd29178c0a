/**
 * Addresses of scripts, for pages that take them through the one trusted-types policy `welno` alone.
 * @module
 */

let policy = /** @type {any} */ (null);

/** @param {string} url a script of ours @returns {any} */
export function scriptUrl(url) {
  const types = /** @type {any} */ (globalThis).trustedTypes;
  policy ??= types?.createPolicy("welno", { createScriptURL: (/** @type {string} */ text) => text });
  return policy ? policy.createScriptURL(url) : url;
}

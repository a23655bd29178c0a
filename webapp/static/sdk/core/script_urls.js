/**
 * Addresses of scripts, for pages that take them through the one trusted-types policy `welno` alone.
 * @module
 */

// A path of this origin.
const OWN = /^\/(?![/\\])/;
let policy = /** @type {any} */ (null);

/** A policy that lets everything pass would be none. @param {string} url */
function requireOwn(url) {
  if (!OWN.test(url)) throw new TypeError("a script of another origin");
  return url;
}

/** @param {string} url a script of ours @returns {any} */
export function scriptUrl(url) {
  const types = /** @type {any} */ (globalThis).trustedTypes;
  policy ??= types?.createPolicy("welno", { createScriptURL: requireOwn });
  return policy ? policy.createScriptURL(url) : url;
}

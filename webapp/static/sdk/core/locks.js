/**
 * One tab after the other, for what two tabs must not do at the same time.
 * @module
 */

/** @template T @param {string} name @param {() => Promise<T>} act @returns {Promise<T>} */
export function underLock(name, act) {
  const locks = globalThis.navigator?.locks;
  if (!locks) return act();
  let began = false;
  const once = () => {
    began = true;
    return act();
  };
  // Where storage is forbidden locks are too: then there is no cookie that tabs could fight for.
  return /** @type {Promise<any>} */ (locks.request(name, once)).catch((error) => (began ? Promise.reject(error) : act()));
}

/**
 * One tab after the other, for what two tabs must not do at the same time.
 * @module
 */

/**
 * @template T @param {string} name @param {() => Promise<T>} act
 * @param {{patienceMilliseconds?: number|null}} [how] after so long the lock is taken from whoever holds it, as a frozen tab
 *   does for ever: for what may be done twice. Whoever loses it so goes on, and gets what came of it
 * @returns {Promise<T>}
 */
export function underLock(name, act, { patienceMilliseconds = null } = {}) {
  const locks = globalThis.navigator?.locks;
  if (!locks) return act();
  let running = /** @type {Promise<T>|null} */ (null);
  const once = () => (running = act());
  const asked = patienceMilliseconds === null ? locks.request(name, once) : requestOrSteal(locks, name, once, patienceMilliseconds);
  // Where storage is forbidden locks are too: then there is no cookie that tabs could fight for.
  return /** @type {Promise<any>} */ (asked).catch(() => running ?? act());
}

/** @template T @param {LockManager} locks @param {string} name @param {() => Promise<T>} act @param {number} milliseconds
 * @returns {Promise<T>} */
async function requestOrSteal(locks, name, act, milliseconds) {
  const waiting = new AbortController();
  const timer = setTimeout(() => waiting.abort(), milliseconds);
  const begin = () => {
    clearTimeout(timer);
    return act();
  };
  try {
    return await locks.request(name, { signal: waiting.signal }, begin);
  } catch (error) {
    if (!waiting.signal.aborted) throw error;
    return locks.request(name, { steal: true }, act);
  } finally {
    clearTimeout(timer);
  }
}

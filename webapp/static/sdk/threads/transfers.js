/**
 * A call of a transfer, once more where that may help, until the person cancels it.
 * @module
 */

const FIRST_MILLISECONDS = 1_000;
const MOST_TRIES = 4;

/**
 * @template Value @param {() => Promise<Value>} act @param {AbortSignal} signal @param {() => number} [random]
 * @returns {Promise<Value>} rejects with the last error, or with the signal's reason, also where `act` came through
 */
export async function tryAgain(act, signal, random = Math.random) {
  for (let tries = 1; ; tries += 1) {
    signal.throwIfAborted();
    try {
      const done = await act();
      signal.throwIfAborted(); // a call that does not look at the signal is answered after it, too
      return done;
    } catch (/** @type {any} */ error) {
      signal.throwIfAborted();
      if (!error.retryable || tries >= MOST_TRIES) throw error;
      const asked = 1000 * (error.retryAfterSeconds ?? 0);
      await pause(Math.max(asked, FIRST_MILLISECONDS * 2 ** (tries - 1)) * (1 + random() / 4), signal);
    }
  }
}

/** @param {number} milliseconds @param {AbortSignal} signal @returns {Promise<void>} also when it is aborted */
function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}

/**
 * How a login ends. The device of a tab that keeps nothing ends before it, as nobody could end it without the login; where
 * the login then goes on, the page has a device no more.
 * @module
 */

/**
 * @typedef {object} Ending
 * @property {Pick<import("./tab_only.js").TabOnly, "retire">|null} tabOnly null where the browser keeps its device
 * @property {() => Promise<void>} signOut rejects with a WelnoError where the server did not end the login
 * @property {() => Promise<void>} onOver
 * @property {(error: any) => void} onFailed they are signed in, and the page goes on
 * @property {(error: any) => void} onDeviceGone they are signed in, and the page cannot go on: its device is revoked
 */

/** @param {Ending} ending @returns {Promise<void>} */
export async function endLogin({ tabOnly, signOut, onOver, onFailed, onDeviceGone }) {
  let isDeviceGone = false;
  try {
    isDeviceGone = (await tabOnly?.retire()) ?? false;
    await signOut();
  } catch (error) {
    return isDeviceGone ? onDeviceGone(error) : onFailed(error);
  }
  await onOver();
}

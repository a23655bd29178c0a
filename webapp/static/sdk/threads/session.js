/**
 * A member's browser as a device of theirs: who they are, their keys, and the database that is theirs alone.
 * @module
 */

import { ThreadsDatabase } from "./database.js";
import { FirstDeviceError } from "./errors.js";
import { keepsKeys } from "./store_trial.js";
import { TabDatabase } from "./tab_database.js";
import { ThreadKeys } from "./thread_keys.js";

/** `isTabOnly`: this browser keeps nothing; whoever shows threads has to say so. `state` of the device: `active`; `pending` until another one approves it; null where the server could not be asked.
 * `register` asks for it again. @typedef {{memberId: string, device: import("./texts.js").DeviceClaim, state: string|null,
 *   isTabOnly: boolean, database: ThreadsDatabase, keysOf: (threadId: string) => ThreadKeys, register: () => Promise<string|null>}} ThreadsSession */

/**
 * @param {{client: import("./client.js").ThreadsClient, crypto: import("./worker_link.js").Crypto,
 *   allowTabOnly?: boolean}} parts `allowTabOnly`: where this browser keeps no keys the device is one of this tab alone,
 *   and all that it has goes with it
 * @param {string|null} [remembered] who it is, for when the server cannot be asked
 * @returns {Promise<ThreadsSession>} rejects with a WelnoError where nobody is known, with a StoreError where the browser
 *   keeps no keys and that is not allowed, or its store does not answer or fails later, with a FirstDeviceError where the
 *   device of one tab would be the first of a member whom no fresh proof lets in
 */
export async function openThreads({ client, crypto, allowTabOnly = false }, remembered = null) {
  const told = await client.me().catch((error) => {
    if (error.status !== 0 || remembered === null) throw error;
    return { memberId: remembered, devices: null, error };
  });
  const { memberId } = told;
  const isTabOnly = allowTabOnly && !(await areKeysKept(memberId, crypto));
  if (isTabOnly) requireOtherDevice(told);
  const database = isTabOnly ? await TabDatabase.of(memberId) : await ThreadsDatabase.of(memberId);
  await database.open(); // before its device is read: if it is erased after that, no call on it is that of another device
  const device = await crypto.open(memberId, { isTabOnly });
  const registerNow = () => register(client, device, passFor({ isTabOnly }));
  const state = await registerNow();
  const keysOf = (/** @type {string} */ threadId) =>
    new ThreadKeys(threadId, device.deviceId, { memberId, client, crypto, database });
  return { memberId, device, state, isTabOnly, database, keysOf, register: registerNow };
}

/** A pass that outlives its device's keys is of no use, and would take the place of another device's in its cookie.
 * @param {{isTabOnly: boolean}} session @returns {{pushPass?: false}} for `register` */
export function passFor({ isTabOnly }) {
  return isTabOnly ? { pushPass: false } : {};
}

/** The first device of a member is active by itself, and each later one waits for another's word, also after the first is
 * gone: of one that ends with its tab it would be waited for in vain. A patient may `reset` after a fresh proof.
 * @param {{memberId: string, devices: any[]|null, error?: unknown}} told `devices`: null where the server did not answer */
function requireOtherDevice({ memberId, devices, error }) {
  if (memberId.startsWith("patient:")) return;
  if (devices === null) throw error;
  if (devices.length === 0) throw new FirstDeviceError();
}

/** By the page, which keeps what is sent, and by the Worker, which keeps the keys. @param {string} memberId
 * @param {import("./worker_link.js").Crypto} crypto @returns {Promise<boolean>} */
async function areKeysKept(memberId, crypto) {
  return (await Promise.all([keepsKeys(memberId), crypto.keepsKeys(memberId)])).every(Boolean);
}

/** Each time: the push pass is renewed with it. @param {import("./client.js").ThreadsClient} client
 * @param {import("./texts.js").DeviceClaim} device @param {{pushPass?: false}} pass @returns {Promise<string|null>} */
async function register(client, device, pass) {
  try {
    return (await client.register(device, pass)).state;
  } catch (/** @type {any} */ error) {
    if (error.status === 0) return null;
    throw error;
  }
}

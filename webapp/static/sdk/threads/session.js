/**
 * A member's browser as a device of theirs: who they are, their keys, and the database that is theirs alone.
 * @module
 */

import { ThreadsDatabase } from "./database.js";
import { ThreadKeys } from "./thread_keys.js";

/** `state` of the device: `active`; `pending` until another one approves it; null where the server could not be asked.
 * `register` asks for it again. @typedef {{memberId: string, device: import("./texts.js").DeviceClaim, state: string|null,
 *   database: ThreadsDatabase, keysOf: (threadId: string) => ThreadKeys, register: () => Promise<string|null>}} ThreadsSession */

/**
 * @param {{client: import("./client.js").ThreadsClient, crypto: import("./worker_link.js").Crypto}} parts
 * @param {string|null} [remembered] who it is, for when the server cannot be asked
 * @returns {Promise<ThreadsSession>} rejects with a WelnoError where nobody is known, with a StoreError where the browser
 *   keeps no keys
 */
export async function openThreads({ client, crypto }, remembered = null) {
  const memberId = await client.me().then(
    (me) => me.memberId,
    (error) => {
      if (error.status !== 0 || remembered === null) throw error;
      return remembered;
    },
  );
  const device = await crypto.open(memberId);
  const database = await ThreadsDatabase.of(memberId);
  const state = await register(client, device);
  const keysOf = (/** @type {string} */ threadId) =>
    new ThreadKeys(threadId, device.deviceId, { client, crypto, database });
  return { memberId, device, state, database, keysOf, register: () => register(client, device) };
}

/** Each time: the push pass is renewed with it. @param {import("./client.js").ThreadsClient} client
 * @param {import("./texts.js").DeviceClaim} device @returns {Promise<string|null>} */
async function register(client, device) {
  try {
    return (await client.register(device)).state;
  } catch (/** @type {any} */ error) {
    if (error.status === 0) return null;
    throw error;
  }
}

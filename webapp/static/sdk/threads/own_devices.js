/**
 * A member's own devices: one vouches for another, one is revoked, and a printed code stands in where none is left.
 * @module
 */

import { DisbelievedError } from "./errors.js";
import { passFor } from "./session.js";

/** @typedef {import("./thread_crypto.js").ToldDevice} ToldDevice */
/** @typedef {import("./thread_keys.js").KnownKeys} KnownKeys */
/** @typedef {Awaited<ReturnType<import("./thread_crypto.js").ThreadCrypto["makeRecovery"]>>} NewRecovery */

export class OwnDevices {
  #session;
  #client;
  #crypto;

  /** @param {{session: import("./session.js").ThreadsSession, client: import("./client.js").ThreadsClient,
   *   crypto: import("./worker_link.js").Crypto}} parts */
  constructor({ session, client, crypto }) {
    this.#session = session;
    this.#client = client;
    this.#crypto = crypto;
  }

  /** Those that are not revoked. @returns {Promise<ToldDevice[]>} */
  async list() {
    const { devices } = await this.#client.me();
    return devices.filter((/** @type {ToldDevice} */ { state }) => state !== "revoked");
  }

  /** By this device's signature, after their holder has compared fingerprints; with it comes all that this device can
   * open. @param {ToldDevice} device */
  async approve(device) {
    await this.#client.approve(device.deviceId, await this.#crypto.approve(device));
    await this.#tendAll(device.deviceId);
  }

  /** For good; where its member owns a thread, the next key is made at once. @param {string} deviceId */
  async revoke(deviceId) {
    await this.#client.revoke(deviceId);
    await this.#tendAll();
  }

  /** This browser's device, with its keys and all that waits; the next one is made when the page is loaded anew. Other tabs
   * are told (`whenErased` of the database). At the server it is revoked if that can be asked now.
   * @returns {Promise<void>} rejects with a StoreError where nothing was erased */
  async eraseThis() {
    await this.#session.database.erase();
    try {
      await this.#client.revoke(this.#session.device.deviceId);
    } catch (/** @type {any} */ error) {
      if (error.status === undefined) throw error; // else it stays in the list, for the next one to revoke
    }
  }

  /** This device, without another one's word: for a patient whose session was identified just now.
   * @returns {Promise<string>} its state */
  async reset() {
    const how = { reset: true, ...passFor(this.#session) };
    return this.#note((await this.#client.register(this.#session.device, how)).state);
  }

  /** A code that opens nothing yet: it has to be on paper before. @returns {Promise<NewRecovery>} */
  makeRecovery() {
    return this.#crypto.makeRecovery();
  }

  /** From now on the code opens everything; those that were printed before open nothing any more. It rejects where a key
   * could not be sealed to it: until that is done, an older code that opens this key stays.
   * @param {NewRecovery} made */
  async keepRecovery({ claim, approval }) {
    await this.#client.register(claim, { type: "recovery" });
    await this.#client.approve(claim.deviceId, approval);
    // Sealed before the older ones go: a tab that dies in between leaves one that opens everything.
    const known = await this.#tendAll(claim.deviceId);
    const older = (await this.list()).filter(({ type, deviceId }) => type === "recovery" && deviceId !== claim.deviceId);
    const replaced = older.filter(({ deviceId }) => known.every((thread) => standsIn(thread, claim.deviceId, deviceId)));
    for (const { deviceId } of replaced) await this.#client.revoke(deviceId);
    if (replaced.length > 0) await this.#tendAll();
    if (replaced.length < older.length) throw new DisbelievedError("UNKNOWN_KEY");
  }

  /** With the code alone: this device is approved by it, and gets all that was sealed to it.
   * @param {string} typed @returns {Promise<import("./recovery.js").RecoveryFault|null>} */
  async recover(typed) {
    const { deviceId, approval, fault } = await this.#crypto.recover(typed, (await this.#client.me()).devices);
    if (deviceId === null || approval === null) return fault;
    const own = this.#session.device.deviceId;
    await this.#client.approve(own, approval);
    this.#note((await this.#session.register()) ?? "active"); // with its push pass
    const sealing = await this.#client.threads();
    await eachOf(sealing, ({ threadId }) => this.#sealRecovered(threadId, deviceId, own));
    await this.#tendAll();
    return null;
  }

  /** @param {string} threadId @param {string} recoveryId @param {string} own */
  async #sealRecovered(threadId, recoveryId, own) {
    const { keys } = await this.#client.keys(threadId, recoveryId);
    const sealed = keys.filter(({ wrapped }) => wrapped !== null);
    await eachOf(sealed, async (keyset) => {
      const wrapped = await this.#crypto.sealRecovered(threadId, keyset);
      await this.#client.addWraps(threadId, keyset.kid, [{ deviceId: own, wrapped }]);
    });
  }

  /** Keys for whoever lacks them, new ones where they are due. @param {string|null} added one's own device that came just
   * now: by whom else something was sealed to it is not known @returns {Promise<KnownKeys[]>} of each thread */
  async #tendAll(added = null) {
    const known = /** @type {KnownKeys[]} */ ([]);
    const tend = async (/** @type {{threadId: string}} */ { threadId }) => {
      const keys = this.#session.keysOf(threadId);
      known.push(await keys.ensure());
      if (added !== null) await keys.sealOwn(added);
    };
    await eachOf(await this.#client.threads(), tend);
    return known;
  }

  /** @param {string} state */
  #note(state) {
    this.#session.state = state;
    return state;
  }
}

/** Whether one device can open all that the other one can. @param {KnownKeys} known @param {string} deviceId
 * @param {string} other */
function standsIn({ lacking }, deviceId, other) {
  const lackedBy = (/** @type {string} */ id) => lacking.find((one) => one.deviceId === id)?.kids ?? [];
  return lackedBy(deviceId).every((/** @type {string} */ kid) => lackedBy(other).includes(kid));
}

/** One after the other; what fails of one keeps no other from being done, and is told at the end.
 * @template One @param {One[]} all @param {(one: One) => Promise<unknown>} act */
async function eachOf(all, act) {
  const failures = [];
  for (const one of all) await act(one).catch((error) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

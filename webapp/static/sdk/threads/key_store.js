/**
 * What a member's device keeps of keys in IndexedDB: its own, the opened secrets, and the devices that it has seen.
 * @module
 */

import { settled } from "../core/storage.js";

const OWN = "own";

/** @typedef {import("./devices.js").OwnDevice} OwnDevice */
/** A generation that was checked and opened; the secret is not extractable.
 * @typedef {{hash: string, secret: CryptoKey}} OpenedKey */

export class KeyStore {
  #database;

  /** @param {import("./database.js").ThreadsDatabase} database */
  constructor(database) {
    this.#database = database;
  }

  /** @returns {Promise<OwnDevice|undefined>} */
  ownDevice() {
    return this.#get(OWN);
  }

  /** The one that is there, where another tab was faster. @param {OwnDevice} device @returns {Promise<OwnDevice>} */
  keepOwnDevice(device) {
    return this.#database.write(
      ["keys"],
      async ({ keys }) => {
        const known = await settled(keys.get(OWN));
        if (!known) await settled(keys.put(device, OWN));
        return known ?? device;
      },
      { isStrict: true },
    );
  }

  /** @param {string} threadId @param {string} kid @returns {Promise<OpenedKey|undefined>} */
  openedKey(threadId, kid) {
    return this.#get(secretName(threadId, kid));
  }

  /** @param {string} threadId @param {string} kid @param {OpenedKey} opened */
  async keepOpenedKey(threadId, kid, opened) {
    await this.#database.write(["keys"], ({ keys }) => settled(keys.put(opened, secretName(threadId, kid))));
  }

  /** The hash of a device's text as it was first seen. @param {string} deviceId @returns {Promise<string|undefined>} */
  seenDevice(deviceId) {
    return this.#get(`device:${deviceId}`);
  }

  /** @param {string} deviceId @param {string} hash */
  async keepSeenDevice(deviceId, hash) {
    await this.#database.write(["keys"], ({ keys }) => settled(keys.put(hash, `device:${deviceId}`)));
  }

  /** @param {string} name @returns {Promise<any>} */
  #get(name) {
    return this.#database.read(["keys"], ({ keys }) => settled(keys.get(name)));
  }
}

/** @param {string} threadId @param {string} kid */
const secretName = (threadId, kid) => `secret:${threadId}:${kid}`;

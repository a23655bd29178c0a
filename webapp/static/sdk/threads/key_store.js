/**
 * What a member's device keeps of keys in IndexedDB: its own, the opened secrets, and the devices that it has seen.
 * @module
 */

import { settled } from "../core/storage.js";

const OWN = "own";
const SEALING = "sealing";
const AES = { name: "AES-GCM", length: 256 };

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

  /** @returns {Promise<boolean>} */
  async hasOwnDevice() {
    return (await this.#database.read(["keys"], ({ keys }) => settled(keys.count(OWN)))) > 0;
  }

  /** As it was read back, and is not here any more. @param {OwnDevice} device @returns {Promise<OwnDevice>} */
  async keepForTrial(device) {
    const name = `trial:${device.claim.deviceId}`; // another tab may be trying, too
    await this.#database.write(["keys"], ({ keys }) => settled(keys.put(device, name)), { isStrict: true });
    const kept = await this.#get(name);
    await this.#database.write(["keys"], ({ keys }) => settled(keys.delete(name)));
    return kept;
  }

  /** The one that is there, where another tab was faster. @param {OwnDevice} device @returns {Promise<OwnDevice>} */
  keepOwnDevice(device) {
    return this.#keepFirst(OWN, device);
  }

  /** @param {string} threadId @param {string} kid @returns {Promise<OpenedKey|undefined>} */
  openedKey(threadId, kid) {
    return this.#get(secretName(threadId, kid));
  }

  /** @param {string} threadId @param {string} kid @param {OpenedKey} opened */
  async keepOpenedKey(threadId, kid, opened) {
    await this.#database.write(["keys"], ({ keys }) => settled(keys.put(opened, secretName(threadId, kid))));
  }

  /** What this browser seals for itself alone: made at the first time, and not extractable. @returns {Promise<CryptoKey>} */
  async sealingKey() {
    const known = await this.#get(SEALING);
    return known ?? this.#keepFirst(SEALING, await crypto.subtle.generateKey(AES, false, ["encrypt", "decrypt"]));
  }

  /** The hash of a device's text as it was first seen. @param {string} deviceId @returns {Promise<string|undefined>} */
  seenDevice(deviceId) {
    return this.#get(`device:${deviceId}`);
  }

  /** @param {string} deviceId @param {string} hash */
  async keepSeenDevice(deviceId, hash) {
    await this.#database.write(["keys"], ({ keys }) => settled(keys.put(hash, `device:${deviceId}`)));
  }

  /** @template Value @param {string} name @param {Value} made @returns {Promise<Value>} the one that is there */
  #keepFirst(name, made) {
    return this.#database.write(
      ["keys"],
      async ({ keys }) => {
        const known = await settled(keys.get(name));
        if (!known) await settled(keys.put(made, name));
        return known ?? made;
      },
      { isStrict: true },
    );
  }

  /** @param {string} name @returns {Promise<any>} */
  #get(name) {
    return this.#database.read(["keys"], ({ keys }) => settled(keys.get(name)));
  }
}

/** @param {string} threadId @param {string} kid */
const secretName = (threadId, kid) => `secret:${threadId}:${kid}`;

/**
 * The keys of one thread: what the server tells is checked and opened, made where they are missing or due, and sealed to
 * devices that lack them.
 * @module
 */

import { settled } from "../core/storage.js";
import { readKid, writeKid } from "./encoding.js";

const CONFLICTS = new Set(["KEY_CONFLICT", "WRAPS_INCOMPLETE"]);
const MOST_TRIES = 3;

/** @typedef {import("./thread_crypto.js").ToldDevice} ToldDevice */
/** `kid`: the newest generation that this device can open.
 * @typedef {{kid: string|null, failures: {kid: string, code: string}[], devices: ToldDevice[], status: any,
 *   lacking: any[], keys: any[], hash: string}} KnownKeys */

/** Where `meta` has a thread's newest kid. @param {string} threadId */
export const kidName = (threadId) => `kid:${threadId}`;

export class ThreadKeys {
  #threadId;
  #deviceId;
  #client;
  #crypto;
  #database;
  #known = /** @type {KnownKeys|null} */ (null);

  /** @param {string} threadId @param {string} deviceId of this browser
   * @param {{client: import("./client.js").ThreadsClient, crypto: import("./worker_link.js").Crypto,
   *   database: import("./database.js").ThreadsDatabase}} parts */
  constructor(threadId, deviceId, { client, crypto, database }) {
    this.#threadId = threadId;
    this.#deviceId = deviceId;
    this.#client = client;
    this.#crypto = crypto;
    this.#database = database;
  }

  /** As they were last read. */
  get known() {
    return this.#known;
  }

  /** Whose items may be opened: as they were last read, before a reload too. @returns {Promise<ToldDevice[]>} */
  async devices() {
    if (this.#known) return this.#known.devices;
    const kept = await this.#database.read(["meta"], ({ meta }) => settled(meta.get(this.#devicesName)));
    return kept ?? (await this.refresh()).devices;
  }

  /** Reads and opens all that there is. @returns {Promise<KnownKeys>} */
  async refresh() {
    const before = await this.#newestKid();
    const [status, devices, { keys, lacking }] = await Promise.all([
      this.#client.status(this.#threadId),
      this.#client.devices(this.#threadId),
      this.#client.keys(this.#threadId, this.#deviceId),
    ]);
    const opened = await this.#crypto.openKeys(this.#threadId, { keys, devices, members: status.members });
    const told = opened.opened.at(-1) ?? null;
    // A generation that was opened here and is not told any more: nothing is written under an older one, which somebody
    // who was removed may hold.
    const isRolledBack = before !== null && (told === null || readKid(told) < readKid(before));
    if (isRolledBack) opened.failures.push({ kid: before, code: "KEY_CHAIN" });
    const kid = await this.#database.write(["meta"], async ({ meta }) => {
      meta.put(devices, this.#devicesName);
      const kept = await settled(meta.get(kidName(this.#threadId)));
      const newest = kept && (told === null || readKid(told) < readKid(kept)) ? kept : told;
      if (newest !== null) meta.put(newest, kidName(this.#threadId));
      return newest;
    });
    this.#known = { kid, failures: opened.failures, devices, status, lacking, keys, hash: opened.hash };
    return this.#known;
  }

  /** What an owner's client does where it is due, and any that holds a secret where another device lacks it. Somebody
   * else may be faster: then it is read again. @returns {Promise<KnownKeys>} */
  async ensure() {
    for (let tries = 1; ; tries += 1) {
      const known = await this.refresh();
      try {
        if (!(await this.#act(known))) return known;
      } catch (/** @type {any} */ error) {
        if (!CONFLICTS.has(error.code) || tries >= MOST_TRIES) throw error;
      }
      if (tries >= MOST_TRIES) return this.refresh();
    }
  }

  /** @returns {Promise<string|null>} that was opened here */
  async #newestKid() {
    return (await this.#database.read(["meta"], ({ meta }) => settled(meta.get(kidName(this.#threadId))))) ?? null;
  }

  get #devicesName() {
    return `devices:${this.#threadId}`;
  }

  /** @param {KnownKeys} known @returns {Promise<boolean>} whether something was done */
  async #act(known) {
    const { status, failures } = known;
    // A server whose keys do not fit is given no new one that would rest on them.
    if (status.role === "owner" && status.keyState !== "ok" && failures.length === 0) return this.#rotate(known);
    return this.#sealLacking(known);
  }

  /** @param {KnownKeys} known */
  async #rotate({ status, devices, hash }) {
    const members = new Set(status.members.map((/** @type {any} */ { memberId }) => memberId));
    const readers = devices.filter(({ memberId, state }) => state === "active" && members.has(memberId));
    if (!readers.some(({ deviceId }) => deviceId === this.#deviceId)) return false; // it waits for its own approval
    const kid = writeKid(readKid(status.kid) + 1);
    const about = { threadId: this.#threadId, kid, prev: hash };
    await this.#client.rotate(this.#threadId, await this.#crypto.makeKeyset(about, readers));
    return true;
  }

  /** @param {KnownKeys} known */
  async #sealLacking({ lacking, devices, keys, failures }) {
    const disbelieved = new Set(failures.map(({ kid }) => kid));
    let isDone = false;
    for (const keyset of keys.filter(({ kid }) => !disbelieved.has(kid))) {
      const ids = lacking.filter(({ kids }) => kids.includes(keyset.kid)).map(({ deviceId }) => deviceId);
      const without = devices.filter(({ deviceId }) => ids.includes(deviceId));
      if (without.length === 0 || keyset.wrapped === null) continue;
      const wraps = await this.#crypto.sealFor(this.#threadId, keyset, without);
      await this.#client.addWraps(this.#threadId, keyset.kid, wraps);
      isDone = true;
    }
    return isDone;
  }
}

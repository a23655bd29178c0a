/**
 * The keys of one thread: what the server tells is checked and opened, made where they are missing or due, and sealed to
 * devices that lack them.
 * @module
 */

import { settled } from "../core/storage.js";
import { readKid, writeKid } from "./encoding.js";
import { DisbelievedError } from "./errors.js";
import { noteHeld } from "./held_keys.js";
import { findFirstReadable, membersOf, readersOf, rosterOf } from "./readers.js";

const CONFLICTS = new Set(["KEY_CONFLICT", "WRAPS_INCOMPLETE"]);
const MOST_TRIES = 3;
const NO_ROUTE = new Set([404, 405]); // of a server that is older than this client
const NOT_OPENED = new Set(["KEY_WRAP", "KEY_CHECK"]);
// Of keysets that are signed and in their chain: another one may follow on them. Without it a thread would stay without a
// key where the maker has left, or where what was sealed to an owner's only device does not open.
const MAY_BE_FOLLOWED = new Set(["KEY_MAKER", "KEY_WRAP", "KEY_CHECK"]);

/** @typedef {import("./thread_crypto.js").ToldDevice} ToldDevice */
/** `kid`: the newest generation that this device can open, under which is written; null too where the server's keys are not
 * those that were opened here. `isRestored`: it says that it came back from a backup. Only a new device takes these keys; an
 * owner's device makes one that all believe again.
 * @typedef {{kid: string|null, failures: {kid: string, code: string}[], devices: ToldDevice[], status: any,
 *   lacking: any[], keys: any[], hash: string, isRestored: boolean}} KnownKeys */

/** Where `meta` has a thread's newest kid. @param {string} threadId */
export const kidName = (threadId) => `kid:${threadId}`;

export class ThreadKeys {
  #threadId;
  #deviceId;
  #memberId;
  #client;
  #crypto;
  #database;
  #known = /** @type {KnownKeys|null} */ (null);
  #sealed = /** @type {Set<string>} */ (new Set()); // `${kid} ${deviceId}`

  /** @param {string} threadId @param {string} deviceId of this browser
   * @param {{memberId: string, client: import("./client.js").ThreadsClient, crypto: import("./worker_link.js").Crypto,
   *   database: import("./database.js").ThreadsDatabase}} parts */
  constructor(threadId, deviceId, { memberId, client, crypto, database }) {
    this.#threadId = threadId;
    this.#deviceId = deviceId;
    this.#memberId = memberId;
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
    const [before, roster, epoch] = await this.#kept();
    const [status, devices, { keys, lacking }] = await Promise.all([
      this.#client.status(this.#threadId),
      this.#client.devices(this.#threadId),
      this.#client.keys(this.#threadId, this.#deviceId),
    ]);
    const told = { keys, devices, members: status.members, before: roster, lacking };
    const opened = await this.#crypto.openKeys(this.#threadId, told);
    const newestOpened = opened.opened.at(-1) ?? null;
    // A generation that was opened here and is not told any more: nothing is written under an older one, which somebody
    // who was removed may hold, nor under itself, as its number may become another one.
    const untold = untoldKids(before, keys);
    if (before !== null && untold.includes(before)) opened.failures.push({ kid: before, code: "KEY_CHAIN" });
    const disbelieved = [...untold, ...opened.failures.map(({ kid }) => kid)];
    const kid = await this.#database.write(["meta"], async ({ meta }) => {
      meta.put(devices, this.#devicesName);
      if (opened.failures.length === 0) {
        meta.put(rosterOf(newestOpened, devices, status.members), this.#rosterName);
        meta.put(status.epoch, this.#epochName);
      }
      const kept = await settled(meta.get(kidName(this.#threadId)));
      const newest = kept && (newestOpened === null || readKid(newestOpened) < readKid(kept)) ? kept : newestOpened;
      if (newest !== null) meta.put(newest, kidName(this.#threadId));
      const code = opened.failures.find((one) => one.kid === newest)?.code ?? null;
      await noteHeld(meta, this.#threadId, { kids: disbelieved, code, epoch: status.epoch });
      return disbelieved.includes(newest) ? null : newest;
    });
    const isRestored = opened.failures.length > 0 && epoch !== null && epoch !== status.epoch;
    this.#known = { kid, failures: opened.failures, devices, status, lacking, keys, hash: opened.hash, isRestored };
    return this.#known;
  }

  /** What an owner's client does where it is due, and any that holds a secret where another device lacks it. Somebody
   * else may be faster: then it is read again. @returns {Promise<KnownKeys>} */
  async ensure() {
    const before = await this.refresh();
    const dropped = await this.#dropUnopened(before);
    let known = dropped.length > 0 ? await this.refresh() : before;
    for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
      try {
        if (!(await this.#act(known))) break;
      } catch (/** @type {any} */ error) {
        if (!CONFLICTS.has(error.code) || tries >= MOST_TRIES) throw error;
      }
      known = await this.refresh();
    }
    // They are told although the server has them no more: somebody has sealed what does not open.
    known.failures.unshift(...dropped);
    return known;
  }

  /** For another device of one's own member, which is told: also in the place of what somebody else sealed to it, as that
   * might not open. @param {string} deviceId @returns {Promise<void>} */
  async sealOwn(deviceId) {
    const { keys, devices, failures } = this.#known ?? (await this.refresh());
    const device = readersOf(devices, [this.#memberId]).filter((one) => one.deviceId === deviceId);
    if (device.length === 0) return;
    const isMade = (/** @type {any} */ { recipients }) => recipients.some((/** @type {any} */ one) => one.deviceId === deviceId);
    const others = keysetsToSeal(keys, failures).filter((one) => !isMade(one) && !this.#sealed.has(`${one.kid} ${deviceId}`));
    for (const keyset of others) await this.#seal(keyset, device);
  }

  /** With all that was written, or from now on: then under a new generation, which is sealed to them too.
   * @param {string} memberId @param {string} role @param {{withHistory: boolean}} how @returns {Promise<KnownKeys>} rejects
   *   with a DisbelievedError where the keys that the server tells do not fit */
  async addMember(memberId, role, { withHistory }) {
    if (withHistory) await this.#client.addMember(this.#threadId, { memberId, role, history: "all" });
    else
      await this.#withNext(async (known) => {
        const devices = await this.#client.devices(this.#threadId, memberId);
        const members = [...membersOf(known), memberId];
        const keyset = await this.#makeNext({ ...known, devices }, members);
        await this.#client.addMember(this.#threadId, { memberId, role, history: "from_now", ...(keyset && { keyset }) });
      });
    return this.ensure();
  }

  /** Another one, with a new generation for those who stay. @param {string} memberId @returns {Promise<KnownKeys>} rejects
   *   with a DisbelievedError where the keys that the server tells do not fit */
  async removeMember(memberId) {
    await this.#withNext(async (known) => {
      const members = membersOf(known).filter((one) => one !== memberId);
      await this.#client.removeMember(this.#threadId, memberId, await this.#makeNext(known, members));
    });
    return this.ensure();
  }

  /** Acts on what is told now; read again where somebody was faster. @param {(known: KnownKeys) => Promise<void>} act */
  async #withNext(act) {
    for (let tries = 1; ; tries += 1) {
      const known = await this.refresh();
      const bar = findBar(known);
      if (bar) throw new DisbelievedError(/** @type {any} */ (bar.code));
      try {
        return await act(known);
      } catch (/** @type {any} */ error) {
        if (!CONFLICTS.has(error.code) || tries >= MOST_TRIES) throw error;
      }
    }
  }

  /** The newest that was opened here, who was active by then, and the server's epoch in which all did fit.
   * @returns {Promise<[string|null, import("./keysets.js").Roster|undefined, string|null]>} */
  #kept() {
    return this.#database.read(["meta"], async ({ meta }) => {
      const names = [kidName(this.#threadId), this.#rosterName, this.#epochName];
      const [kid, roster, epoch] = await Promise.all(names.map((name) => settled(meta.get(name))));
      return [kid ?? null, roster, epoch ?? null];
    });
  }

  get #epochName() {
    return `epoch:${this.#threadId}`;
  }

  get #rosterName() {
    return `roster:${this.#threadId}`;
  }

  get #devicesName() {
    return `devices:${this.#threadId}`;
  }

  /** @param {KnownKeys} known @returns {Promise<boolean>} whether something was done */
  async #act(known) {
    // A server whose keys do not fit is given no new one that would rest on them.
    if (known.status.role === "owner" && isDue(known) && !findBar(known)) return this.#rotate(known);
    return this.#sealLacking(known);
  }

  /** @param {KnownKeys} known */
  async #rotate(known) {
    const readers = readersOf(known.devices, membersOf(known));
    if (!readers.some(({ deviceId }) => deviceId === this.#deviceId)) return false; // it waits for its own approval
    await this.#client.rotate(this.#threadId, await this.#makeKeyset(known, readers));
    return true;
  }

  /** For these members; undefined while there is no key that it would follow on. @param {KnownKeys} known
   * @param {string[]} members */
  async #makeNext(known, members) {
    return known.status.kid === null ? undefined : this.#makeKeyset(known, readersOf(known.devices, members));
  }

  /** @param {KnownKeys} known @param {ToldDevice[]} readers */
  #makeKeyset({ status, hash }, readers) {
    const kid = writeKid(readKid(status.kid) + 1);
    return this.#crypto.makeKeyset({ threadId: this.#threadId, kid, prev: hash }, readers);
  }

  /** One's own wraps that do not open: while they are there nobody seals others. @param {KnownKeys} known
   * @returns {Promise<{kid: string, code: string}[]>} those that were dropped */
  async #dropUnopened({ failures }) {
    const unopened = failures.filter(({ code }) => NOT_OPENED.has(code));
    try {
      for (const { kid } of unopened) await this.#client.dropWrap(this.#threadId, kid, this.#deviceId);
    } catch (/** @type {any} */ error) {
      if (NO_ROUTE.has(error.status)) return [];
      throw error;
    }
    return unopened;
  }

  /** To those who may read it, whomever else the server names. @param {KnownKeys} known */
  async #sealLacking(known) {
    const { lacking, devices, keys, failures } = known;
    const readers = readersOf(devices, membersOf(known));
    let isDone = false;
    for (const keyset of keysetsToSeal(keys, failures)) {
      const ids = lacking.filter(({ kids }) => kids.includes(keyset.kid)).map(({ deviceId }) => deviceId);
      const without = [];
      for (const device of readers.filter(({ deviceId }) => ids.includes(deviceId)))
        if (await this.#mayRead(device.memberId, keyset.kid, known)) without.push(device);
      if (without.length === 0) continue;
      await this.#seal(keyset, without);
      isDone = true;
    }
    return isDone;
  }

  /** One's own devices may have all that this one has. @param {string} memberId @param {string} kid
   * @param {KnownKeys} known */
  async #mayRead(memberId, kid, known) {
    if (memberId === this.#memberId) return true;
    return readKid(kid) >= (await findFirstReadable(memberId, known, (fromSeq, toSeq) => this.#readItems(fromSeq, toSeq)));
  }

  /** None where the server does not tell them just now. @param {number} fromSeq @param {number} toSeq */
  async #readItems(fromSeq, toSeq) {
    try {
      return (await this.#client.range(this.#threadId, { fromSeq, toSeq })).items;
    } catch (/** @type {any} */ error) {
      if (error.status === undefined) throw error;
      return [];
    }
  }

  /** @param {any} keyset @param {ToldDevice[]} devices */
  async #seal(keyset, devices) {
    const wraps = await this.#crypto.sealFor(this.#threadId, keyset, devices);
    await this.#client.addWraps(this.#threadId, keyset.kid, wraps);
    for (const { deviceId } of devices) this.#sealed.add(`${keyset.kid} ${deviceId}`);
  }
}

/** Those that this device can open. @param {any[]} keys @param {{kid: string}[]} failures */
function keysetsToSeal(keys, failures) {
  const disbelieved = new Set(failures.map(({ kid }) => kid));
  return keys.filter(({ kid, wrapped }) => wrapped !== null && !disbelieved.has(kid));
}

/** Also where its maker is no owner any more: new devices believe it only when another one follows on it.
 * @param {KnownKeys} known */
const isDue = ({ status, failures, kid: newest, isRestored }) =>
  status.keyState !== "ok" ||
  failures.some(({ kid, code }) => kid === status.kid && code === "KEY_MAKER") ||
  (isRestored && newest === null);

/** Why no generation may follow on those that the server tells. After a restore a number may be another key than the one
 * that was opened here, or none: a new secret under a number of its own rests on neither. @param {KnownKeys} known */
const findBar = ({ failures, keys, isRestored }) =>
  failures.find(({ kid, code }) => !MAY_BE_FOLLOWED.has(code) && !(isRestored && isReplaced(kid, code, keys)));

/** @param {string} kid @param {string} code @param {{kid: string}[]} keys as they are told */
const isReplaced = (kid, code, keys) => code === "KEY_CHANGED" || !keys.some((one) => one.kid === kid);

/** Generations up to that one which the server does not tell. @param {string|null} newest @param {{kid: string}[]} keys */
function untoldKids(newest, keys) {
  const all = Array.from({ length: readKid(newest) }, (_, before) => writeKid(before + 1));
  return all.filter((kid) => !keys.some((one) => one.kid === kid));
}

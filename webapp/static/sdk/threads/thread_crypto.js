/**
 * All that is done with keys and plaintext, in one place: it runs in a Worker, and only its results leave it.
 * @module
 */

import { seal, unseal } from "../core/sealing.js";
import { ownDatabases } from "../core/storage.js";
import { ThreadsDatabase } from "./database.js";
import { approveDevice, checkDevice, fingerprintOf, isApproved, makeDevice } from "./devices.js";
import { hashBytes, readKid } from "./encoding.js";
import { checkEnvelope, decryptEnvelope, makeEnvelope } from "./envelopes.js";
import { DisbelievedError } from "./errors.js";
import { KeyStore } from "./key_store.js";
import { checkKeyset, findForgotten, keysetHash, makeKeyset, openKeyset, wrapSecret } from "./keysets.js";
import { findRecoveryDevice, makeRecoveryDevice } from "./recovery.js";
import { importSecret, makeSecret } from "./secrets.js";
import { keepsKeys } from "./store_trial.js";
import { TabDatabase } from "./tab_database.js";
import { deviceText } from "./texts.js";

const NO_PREV = "-";
// Whoever is an owner made it a member, and is shown it: it makes and rotates keys.
const SERVICE_MEMBER = "service:welno";
// Found out of keysets that are their makers' and in the chain: those before them are named by them as they are.
const SIGNED = new Set(["KEY_WRAP", "KEY_CHECK", "KEY_FORGETS"]);
const NO_ROSTER = { kid: null, deviceIds: [] };

/** @typedef {import("./encoding.js").Bytes} Bytes */
/** @typedef {import("./texts.js").Envelope} Envelope */
/** @typedef {import("./texts.js").DeviceClaim} DeviceClaim */
/** As the server tells it. @typedef {DeviceClaim & {state: string, type?: string, approval?: import("./texts.js").Approval}} ToldDevice */
/** @typedef {import("./keysets.js").ToldKeyset} ToldKeyset */
/** @typedef {{memberId: string, role: string}} ToldMember */
/** @typedef {import("./texts.js").Approval} Approval */
/** @typedef {import("./kept_uploads.js").UploadSecret} UploadSecret */
/** What an upload is. @typedef {{threadId: string, blobId: string, size: number, chunkBytes: number}} UploadPlace */
/** `before` and `lacking` tell a generation that forgets a device.
 * @typedef {{keys: ToldKeyset[], devices: ToldDevice[], members: ToldMember[], before?: import("./keysets.js").Roster,
 *   lacking?: {deviceId: string, kids: string[]}[]}} ToldKeys */
/** What came of opening a thread's keys; `hash` is that of the newest generation, for the next one's `prev`.
 * @typedef {{opened: string[], failures: {kid: string, code: string}[], hash: string}} OpenedKeys */

export class ThreadCrypto {
  #factory;
  #keys = /** @type {KeyStore|null} */ (null);
  #own = /** @type {import("./devices.js").OwnDevice|null} */ (null);
  #recovery = /** @type {import("./devices.js").OwnDevice|null} */ (null); // of a code that was typed, for this page alone

  /** @param {IDBFactory} [factory] */
  constructor(factory = ownDatabases()) {
    this.#factory = factory;
  }

  /** Whether this browser keeps the member's keys. @param {string} memberId @returns {Promise<boolean>} */
  keepsKeys(memberId) {
    return keepsKeys(memberId, { factory: this.#factory });
  }

  /** The member's device in this browser, made at the first time. @param {string} memberId
   * @param {{isTabOnly?: boolean}} [how] `isTabOnly`: a new one, whose keys are kept nowhere
   * @returns {Promise<DeviceClaim>} */
  async open(memberId, { isTabOnly = false } = {}) {
    const database = isTabOnly ? await TabDatabase.of(memberId) : await ThreadsDatabase.of(memberId, this.#factory);
    const keys = new KeyStore(database);
    const device = (await keys.ownDevice()) ?? (await keys.keepOwnDevice(await makeDevice(memberId, now())));
    this.#keys = keys;
    this.#own = device;
    return device.claim;
  }

  /** What people compare, by deviceId. @param {ToldDevice[]} devices @returns {Promise<Record<string, string>>} */
  async fingerprints(devices) {
    const pairs = devices.map(async (device) => [device.deviceId, await fingerprintOf(device)]);
    return Object.fromEntries(await Promise.all(pairs));
  }

  /** Vouches for another device of the same member. @param {ToldDevice} device */
  async approve(device) {
    await this.#believe(device, [device]);
    return approveDevice(this.#device, device, now());
  }

  /**
   * A new generation, for exactly these devices.
   * @param {{threadId: string, kid: string, prev: string}} about @param {ToldDevice[]} devices
   */
  async makeKeyset(about, devices) {
    for (const device of devices) await this.#believe(device, devices);
    return makeKeyset(this.#device, makeSecret(), { ...about, createdAt: now() }, devices);
  }

  /**
   * Checks all generations that the server tells, and opens those that are sealed to this device.
   * @param {string} threadId @param {ToldKeys} told @returns {Promise<OpenedKeys>}
   */
  async openKeys(threadId, { keys, devices, members, before = NO_ROSTER, lacking = [] }) {
    const ordered = [...keys].sort((one, other) => readKid(one.kid) - readKid(other.kid));
    const hashes = await Promise.all(ordered.map((keyset) => keysetHash(threadId, keyset)));
    /** @type {OpenedKeys} */
    const result = { opened: [], failures: [], hash: hashes.at(-1) ?? NO_PREV };
    let isVouched = false;
    // The newest first: an owner's keyset vouches by its `prev` for those before it, whose makers may have left.
    for (let at = ordered.length - 1; at >= 0; at -= 1) {
      const keyset = ordered[at];
      try {
        if (keyset.kid !== `k${at + 1}` || keyset.prev !== (hashes[at - 1] ?? NO_PREV)) throw new DisbelievedError("KEY_CHAIN");
        await this.#openKey(threadId, keyset, hashes[at], { devices, members, before, lacking, isVouched });
        isVouched = true;
        if (await this.#store.openedKey(threadId, keyset.kid)) result.opened.unshift(keyset.kid);
      } catch (error) {
        const code = codeOf(error);
        isVouched &&= SIGNED.has(code);
        result.failures.push({ kid: keyset.kid, code });
      }
    }
    return result;
  }

  /** A code to be printed, with what registers it: its own claim, and this device's word for it.
   * @returns {Promise<{code: string, claim: DeviceClaim, approval: Approval}>} */
  async makeRecovery() {
    const { code, device } = await makeRecoveryDevice(this.#device.claim.memberId, now());
    // Before it is registered: else the server might tell a device of its own under this id.
    await this.#store.keepSeenDevice(device.claim.deviceId, await hashBytes(deviceText(device.claim)));
    return { code, claim: device.claim, approval: await approveDevice(this.#device, device.claim, now()) };
  }

  /** With the code that was typed this device is approved; what is sealed to the code can be sealed to it from then on.
   * @param {string} typed @param {ToldDevice[]} devices the member's
   * @returns {Promise<{deviceId: string|null, approval: Approval|null, fault: import("./recovery.js").RecoveryFault|null}>} */
  async recover(typed, devices) {
    const codes = devices.filter(({ type, state }) => type === "recovery" && state === "active");
    for (const device of codes) await this.#believe(device, devices);
    const { device, fault } = await findRecoveryDevice(typed, this.#device.claim.memberId, codes);
    this.#recovery = device;
    if (!device) return { deviceId: null, approval: null, fault };
    return { deviceId: device.claim.deviceId, approval: await approveDevice(device, this.#device.claim, now()), fault: null };
  }

  /** What is sealed to the code, for this device. Whether it is to be believed is seen when it is opened, as of all keys.
   * @param {string} threadId @param {ToldKeyset} keyset as told to the code @returns {Promise<string>} rejects with a
   *   DisbelievedError */
  async sealRecovered(threadId, keyset) {
    if (!this.#recovery) throw new Error("recover() comes first");
    const secret = await openKeyset(this.#recovery, threadId, keyset);
    return wrapSecret(secret, this.#device.claim, threadId, keyset.kid);
  }

  /** The secret of an opened generation for further devices. @param {string} threadId @param {ToldKeyset} keyset
   * @param {ToldDevice[]} devices @returns {Promise<{deviceId: string, wrapped: string}[]>} */
  async sealFor(threadId, keyset, devices) {
    const opened = await this.#store.openedKey(threadId, keyset.kid);
    if (opened?.hash !== (await keysetHash(threadId, keyset))) throw new DisbelievedError("KEY_CHANGED");
    const secret = await openKeyset(this.#device, threadId, keyset);
    const wraps = [];
    for (const device of devices) {
      await this.#believe(device, devices);
      wraps.push({ deviceId: device.deviceId, wrapped: await wrapSecret(secret, device, threadId, keyset.kid) });
    }
    return wraps;
  }

  /** @param {string} kid @param {Omit<Parameters<typeof makeEnvelope>[1], "createdAt">} said @param {Bytes} plaintext
   * @returns {Promise<Envelope>} */
  async seal(kid, said, plaintext) {
    const { claim, signPrivate } = this.#device;
    const secret = await this.#secret(said.threadId, kid);
    return makeEnvelope({ clientId: claim.deviceId, signPrivate, secret, kid }, { ...said, createdAt: now() }, plaintext);
  }

  /** One of this device's own that was never accepted, under a newer key: dedupeId, clientSeq and time stay.
   * @param {Envelope} envelope @param {string} kid @returns {Promise<Envelope>} */
  async reseal(envelope, kid) {
    const plaintext = await decryptEnvelope(envelope, await this.#secret(envelope.threadId, envelope.enc.kid));
    const { claim, signPrivate } = this.#device;
    const secret = await this.#secret(envelope.threadId, kid);
    return makeEnvelope({ clientId: claim.deviceId, signPrivate, secret, kid }, envelope, plaintext);
  }

  /** Hash, signature by a known device of who is said to have sent it, decryption. @param {{threadId: string, from: string,
   * envelope: Envelope}} item @param {ToldDevice[]} devices @returns {Promise<Bytes>} rejects with a DisbelievedError */
  async openItem({ threadId, from, envelope }, devices) {
    const device = devices.find(({ deviceId }) => deviceId === envelope?.clientId);
    if (!device || device.memberId !== from) throw new DisbelievedError("UNKNOWN_DEVICE");
    if (envelope.threadId !== threadId) throw new DisbelievedError("INVALID_ENVELOPE");
    await this.#believe(device, devices);
    await checkEnvelope(envelope, device.signKey);
    return decryptEnvelope(envelope, await this.#secret(threadId, envelope.enc.kid));
  }

  /** For this browser alone: nobody else opens it, and here only in its place. @param {UploadPlace} place
   * @param {UploadSecret} secret @returns {Promise<import("../core/sealing.js").Sealed>} */
  async sealUpload(place, secret) {
    return seal(await this.#store.sealingKey(), uploadContext(place), secret);
  }

  /** @param {UploadPlace & {sealed: import("../core/sealing.js").Sealed}} kept @returns {Promise<UploadSecret>} rejects with
   *   a DisbelievedError where it was changed */
  async openUpload(kept) {
    const secret = await unseal(await this.#store.sealingKey(), uploadContext(kept), kept.sealed);
    if (secret === undefined) throw new DisbelievedError("INVALID_BLOB");
    return secret;
  }

  /** @param {string} threadId @param {ToldKeyset} keyset @param {string} hash
   * @param {Omit<Required<ToldKeys>, "keys"> & {isVouched: boolean}} known */
  async #openKey(threadId, keyset, hash, { devices, members, before, lacking, isVouched }) {
    const known = await this.#store.openedKey(threadId, keyset.kid);
    if (known?.hash === hash) return;
    const maker = devices.find(({ deviceId }) => deviceId === keyset.createdBy);
    if (!maker) throw new DisbelievedError("UNKNOWN_DEVICE");
    await this.#believe(maker, devices);
    await checkKeyset(threadId, keyset, maker);
    if (known) throw new DisbelievedError("KEY_CHANGED");
    const mayMake = members.some(
      ({ memberId, role }) => memberId === maker.memberId && (role === "owner" || memberId === SERVICE_MEMBER),
    );
    if (!mayMake && !isVouched) throw new DisbelievedError("KEY_MAKER");
    if (keyset.wrapped === null) return;
    if (findForgotten(keyset, before, { devices, members, lacking }).length > 0) throw new DisbelievedError("KEY_FORGETS");
    const secret = await importSecret(await openKeyset(this.#device, threadId, keyset));
    await this.#store.keepOpenedKey(threadId, keyset.kid, { hash, secret });
  }

  /** That a device is what it was when it was first seen here, and this one what it is; by then its own signature, and its approval where one is
   * told, must be right. @param {ToldDevice} device @param {ToldDevice[]} others */
  async #believe(device, others) {
    const hash = await hashBytes(deviceText(device));
    const { claim } = this.#device;
    const isOwn = device.deviceId === claim.deviceId;
    const seen = isOwn ? await hashBytes(deviceText(claim)) : await this.#store.seenDevice(device.deviceId);
    if (seen !== undefined && seen !== hash) throw new DisbelievedError("DEVICE_CHANGED");
    if (seen !== undefined) return;
    await checkDevice(device);
    const approver = others.find(({ deviceId }) => deviceId === device.approval?.approvedBy);
    if (device.approval && approver && !(await isApproved(approver, device, device.approval)))
      throw new DisbelievedError("DEVICE_INVALID");
    await this.#store.keepSeenDevice(device.deviceId, hash);
  }

  /** @param {string} threadId @param {string} kid */
  async #secret(threadId, kid) {
    const opened = await this.#store.openedKey(threadId, kid);
    if (!opened) throw new DisbelievedError("UNKNOWN_KEY");
    return opened.secret;
  }

  get #device() {
    if (!this.#own) throw new Error("open() comes first");
    return this.#own;
  }

  get #store() {
    if (!this.#keys) throw new Error("open() comes first");
    return this.#keys;
  }
}

const now = () => new Date().toISOString();

/** @param {UploadPlace} place */
const uploadContext = ({ threadId, blobId, size, chunkBytes }) => ["welno.upload.v1", threadId, blobId, size, chunkBytes].join("\n");

/** @param {unknown} error @returns {string} anything else than disbelief is a fault of ours, or of the store */
function codeOf(error) {
  if (error instanceof DisbelievedError) return error.code;
  throw error;
}

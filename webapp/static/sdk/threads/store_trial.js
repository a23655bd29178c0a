/**
 * Whether this browser keeps a member's keys: a private window or a locked-down browser may have no store, or one that
 * takes no key.
 * @module
 */

import { StoreError, within } from "../core/storage.js";
import { ThreadsDatabase } from "./database.js";
import { isSigned, makeDevice, signText } from "./devices.js";
import { decodeBytes, textBytes } from "./encoding.js";
import { openBase, sealBase } from "./hpke.js";
import { KeyStore } from "./key_store.js";

const TRIAL_MILLISECONDS = 10_000;
const TEXT = textBytes("welno.store.trial");

/** @typedef {import("./encoding.js").Bytes} Bytes */
/** @typedef {import("./devices.js").OwnDevice} OwnDevice */

/**
 * Where the member's device is here already nothing is written: a disk that is full by now makes no new device of it.
 * @param {string} memberId @param {{factory?: IDBFactory, milliseconds?: number}} [how]
 * @returns {Promise<boolean>} rejects with a StoreError where the store does not answer in time: whether it keeps keys is
 *   not known then, and a device of one tab would be made for want of a few seconds
 */
export async function keepsKeys(memberId, { factory, milliseconds = TRIAL_MILLISECONDS } = {}) {
  const database = await ThreadsDatabase.of(memberId, factory);
  const store = new KeyStore(database);
  const judge = (/** @type {Promise<boolean>} */ trial) => within(trial, milliseconds).catch(judgeFailure);
  try {
    const isKnown = await judge(store.hasOwnDevice());
    if (isKnown !== false) return isKnown === true;
    // Outside of what is judged: a browser that cannot make such keys says nothing of its store.
    const made = await makeDevice(memberId, new Date().toISOString());
    return (await judge(tryKeys(store, made))) === true;
  } finally {
    void database.close();
  }
}

/** @param {unknown} error of a store that keeps none, or one that has not said so @returns {null} */
function judgeFailure(error) {
  if (error instanceof StoreError && error.code === "STORE_SILENT") throw error;
  return null;
}

/** @param {KeyStore} store @param {OwnDevice} made @returns {Promise<boolean>} rejects where they cannot be used any more */
async function tryKeys(store, { claim, ...keys }) {
  const { kemPrivate, signPrivate } = await store.keepForTrial({ claim, ...keys });
  const publicKey = /** @type {Bytes} */ (decodeBytes(claim.kemKey));
  await openBase({ privateKey: kemPrivate, publicKey }, TEXT, await sealBase(publicKey, TEXT, TEXT));
  return isSigned(claim.signKey, await signText(signPrivate, TEXT), TEXT);
}

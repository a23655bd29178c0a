/**
 * Sends to threads: what is sent is on the disk first, and stays there until the server has acknowledged it.
 * @module
 */

import { WelnoError } from "../core/errors.js";
import { watchPage } from "../core/lifecycle.js";
import { settled, StoreError } from "../core/storage.js";
import { openChannel } from "../core/tabs.js";
import { Timers } from "../core/timers.js";
import { AnnouncedBlobs } from "./announced_blobs.js";
import { BLOB_TYPE, completionOf } from "./blob_message.js";
import { databaseName } from "./database.js";
import { textBytes } from "./encoding.js";
import { DisbelievedError } from "./errors.js";
import { isHeld, readHeld } from "./held_keys.js";
import { Outbox } from "./outbox.js";
import { Pace } from "./pace.js";
import { flushUnderLock } from "./push_round.js";
import { RESEND_KIND, RESEND_TYPE, writeResendRequest } from "./resend.js";
import { kidName } from "./thread_keys.js";

const BUSY = new Set([429, 503]);
const IDLE_MILLISECONDS = 30_000; // while something waits, whatever else should have woken it
const CHANNEL = "welno.threads.outbox:";

/** @typedef {import("./outbox.js").OutboxRow} OutboxRow */
/** @typedef {import("./client.js").PushResult} PushResult */
/**
 * @typedef {object} SenderOptions
 * @property {import("./client.js").ThreadsClient} client
 * @property {import("./worker_link.js").Crypto} crypto opened
 * @property {import("./database.js").ThreadsDatabase} database the member's
 * @property {(threadId: string) => Promise<string|null>} [renewKey] the newest kid, after the one that was used has retired
 * @property {(row: OutboxRow) => void} [onQueued]
 * @property {(row: OutboxRow, result: PushResult) => void} [onAcked]
 * @property {(row: OutboxRow, code: string) => void} [onRejected] for good: it is dead until the person decides
 * @property {(error: any) => void} [onFailed] a push was not answered, or refused as a whole; it goes on by itself
 * @property {() => void} [onChange] the outbox changed, here or in another tab
 * @property {() => number} [random]
 */

export class ThreadSender {
  #options;
  #outbox;
  #announced;
  #pace;
  #channel;
  #timers = new Timers();
  #page = new AbortController();
  #pausedUntil = 0; // as the server asked for
  #flushing = /** @type {Promise<void>|null} */ (null);
  #wanted = /** @type {{isEarly?: boolean}|null} */ (null); // after the flush that runs

  /** @param {SenderOptions} options */
  constructor(options) {
    this.#options = options;
    this.#outbox = new Outbox(options.database);
    this.#announced = new AnnouncedBlobs(this.#outbox, options.client, options.database.name);
    this.#pace = new Pace(options.random);
    this.#channel = openChannel(CHANNEL + options.database.scope);
    this.#channel?.addEventListener("message", () => options.onChange?.());
  }

  get outbox() {
    return this.#outbox;
  }

  /** From now on what waits is sent whenever it can be. */
  start() {
    const wake = () => void this.flush({ isEarly: true });
    watchPage({ wake, pause: () => {}, resume: wake }, this.#page.signal);
    wake();
  }

  close() {
    this.#page.abort();
    this.#timers.close();
    this.#channel?.close();
  }

  /**
   * On the disk when this resolves: from then on the tab may die.
   * @param {string} threadId @param {Uint8Array<ArrayBuffer>|string} data at most `PLAINTEXT_MAX_BYTES`
   * @param {{kind?: string, contentType?: string, uploadId?: string|null}} [how] with `BLOB_TYPE` the blob is completed once
   *   more after its ACK; `uploadId`: of a kept upload, which is kept no more from then on
   * @returns {Promise<string|null>} its dedupeId; null where the upload was not kept any more, and nothing was sent
   */
  async send(threadId, data, { kind = "data", contentType = "text/plain", uploadId = null } = {}) {
    const plaintext = typeof data === "string" ? textBytes(data) : data;
    const { crypto: keys } = this.#options;
    const kid = await this.#kidToWrite(threadId);
    const said = { threadId, dedupeId: crypto.randomUUID(), kind, contentType };
    const blob = contentType === BLOB_TYPE ? completionOf(plaintext) : null;
    const make = (/** @type {number} */ clientSeq) => keys.seal(kid, { ...said, clientSeq }, plaintext);
    const row = await this.#outbox.queueAdd(threadId, make, { blob, uploadId });
    if (row === null) return null;
    this.#options.onQueued?.(row);
    this.#changed();
    void this.flush();
    return row.dedupeId;
  }

  /** Sends what waits. One that runs is followed by another, for what was added meanwhile.
   * @param {{isEarly?: boolean}} [how] `isEarly`: also what a failure put off @returns {Promise<void>} */
  flush({ isEarly = false } = {}) {
    this.#wanted = { isEarly: isEarly || this.#wanted?.isEarly };
    this.#flushing ??= this.#flushWanted().finally(() => {
      this.#flushing = null;
    });
    return this.#flushing;
  }

  /** A dead one, once more. @param {string} dedupeId */
  async retry(dedupeId) {
    await this.#outbox.revive(dedupeId);
    this.#changed();
    await this.flush();
  }

  /** By the person's word. @param {string} dedupeId */
  async discard(dedupeId) {
    await this.#outbox.queueDelete([dedupeId]);
    this.#changed();
  }

  /** Asks a device for numbers of its that have not come here; who reads is shown nothing of it.
   * @param {string} threadId @param {import("./senders.js").SenderGap} gap */
  requestResend(threadId, gap) {
    return this.send(threadId, writeResendRequest(gap), { kind: RESEND_KIND, contentType: RESEND_TYPE });
  }

  /** What of it is here is sent now, also what was refused before, and what was acknowledged and never came; another
   * device's is none of this one's.
   * @param {string} threadId @param {import("./senders.js").SenderGap} wanted */
  async answerResend(threadId, { clientId, from, to }) {
    const isWanted = (/** @type {OutboxRow} */ row) =>
      row.threadId === threadId && row.envelope.clientId === clientId && row.clientSeq >= from && row.clientSeq <= to;
    try {
      await this.#outbox.requeueAcked(threadId, isWanted);
      const rows = (await this.#outbox.rows()).filter(isWanted);
      if (rows.length === 0) return;
      for (const { dedupeId } of rows.filter(({ state }) => state === "dead")) await this.#outbox.revive(dedupeId);
    } catch (error) {
      return this.#takeStoreError(error);
    }
    this.#changed();
    await this.flush({ isEarly: true });
  }

  async #flushWanted() {
    while (this.#wanted && !this.#page.signal.aborted) {
      const how = this.#wanted;
      this.#wanted = null;
      const pause = this.#pausedUntil - Date.now();
      if (pause > 0) this.#flushLater(pause);
      else await this.#flush(how).catch((error) => this.#takeStoreError(error));
    }
  }

  /** @param {{isEarly?: boolean}} how */
  async #flush(how) {
    const { client, database, onAcked } = this.#options;
    const pushing = {
      outbox: this.#outbox,
      client,
      pace: this.#pace,
      onRejected: (/** @type {OutboxRow} */ row, /** @type {PushResult} */ result) => this.#takeRefusal(row, result),
      prepare: () => this.#resealHeld(),
      requireMember: () => this.#requireMember(),
      onAcked,
    };
    const flushed = await flushUnderLock(database.scope, pushing, how);
    if (flushed.error) this.#options.onFailed?.(flushed.error);
    if (!flushed.error || BUSY.has(flushed.error.status)) this.#pausedUntil = Date.now() + flushed.waitMilliseconds;
    this.#changed();
    const areComplete = await this.#announced.complete(how);
    if (areComplete && (await this.#outbox.count()) === 0) return;
    this.#flushLater(flushed.isDone ? IDLE_MILLISECONDS : Math.max(flushed.waitMilliseconds, 1));
  }

  /** The browser's store did not answer; what lies in it waits. @param {unknown} error */
  #takeStoreError(error) {
    if (this.#page.signal.aborted) return; // after the end its parts are being closed under its hands
    if (!(error instanceof StoreError)) throw error;
    this.#options.onFailed?.(error);
    this.#flushLater(IDLE_MILLISECONDS);
  }

  /** What is written while another message waits does not put that one off. @param {number} milliseconds */
  #flushLater(milliseconds) {
    this.#timers.setIfSooner("again", milliseconds, () => void this.flush({ isEarly: true }));
  }

  /** By the cookie or the push pass somebody else may send by now, who uses the same computer: what they are refused says
   * nothing of these envelopes, which wait until their member is back. */
  async #requireMember() {
    const { memberId } = await this.#options.client.me();
    if ((await databaseName(memberId)) !== this.#options.database.name) throw new WelnoError({ code: "UNAUTHORIZED", status: 401 });
  }

  /** A retired key means 'never accepted': the same message is encrypted under the new one. Everything else is for the
   * person to decide. @param {OutboxRow} row @param {PushResult} result */
  async #takeRefusal(row, { code = "REJECTED" }) {
    if (code === "KEY_RETIRED" && (await this.#reseal(row))) return;
    await this.#outbox.bury(row.dedupeId, code);
    this.#options.onRejected?.(row, code);
  }

  /** @param {OutboxRow} row @returns {Promise<boolean>} false: there is no newer key that this device can open, or none
   * that it believes */
  async #reseal(row) {
    try {
      const kid = await this.#newerKid(row);
      if (kid === null) return false;
      await this.#outbox.replace(await this.#options.crypto.reseal(row.envelope, kid));
    } catch (error) {
      if (error instanceof DisbelievedError) return false;
      throw error;
    }
    return true;
  }

  /** One that is here already, as for the rows before it, is not asked for again. @param {OutboxRow} row
   * @returns {Promise<string|null>} null where there is none */
  async #newerKid({ threadId, envelope }) {
    const isNewer = (/** @type {string|null|undefined} */ kid) => Boolean(kid) && kid !== envelope.enc.kid;
    const known = await this.#newestKid(threadId);
    if (isNewer(known.kid) && known.code === null) return known.kid;
    const renewed = (await this.#options.renewKey?.(threadId)) ?? null;
    return isNewer(renewed) ? renewed : null;
  }

  /** What waits under a key that is another one by now the server has never accepted: one that it has, it has with its key.
   * So the same message goes under the newest one that is believed, as after KEY_RETIRED; until there is one it waits. */
  async #resealHeld() {
    const held = await this.#outbox.heldRows();
    for (const threadId of new Set(held.map((row) => row.threadId))) await this.#renewedKid(threadId);
    for (const row of held.length > 0 ? await this.#outbox.heldRows() : []) {
      const { kid, code, isRead } = await this.#newestKid(row.threadId);
      if (isRead && kid !== null && code === null) await this.#resealUnder(kid, row);
    }
  }

  /** @param {string} kid @param {OutboxRow} row */
  async #resealUnder(kid, row) {
    try {
      await this.#outbox.replace(await this.#options.crypto.reseal(row.envelope, kid));
    } catch (error) {
      if (!(error instanceof DisbelievedError)) throw error;
      await this.#outbox.bury(row.dedupeId, error.code);
      this.#options.onRejected?.(row, error.code);
    }
  }

  /** An owner's client makes one where the newest is not believed. @param {string} threadId
   * @returns {Promise<string>} rejects with a DisbelievedError where there is none */
  async #kidToWrite(threadId) {
    const { kid, code } = await this.#newestKid(threadId);
    if (kid === null) throw new DisbelievedError("UNKNOWN_KEY");
    const found = code === null ? kid : await this.#renewedKid(threadId);
    if (found === null) throw new DisbelievedError(/** @type {any} */ (code));
    return found;
  }

  /** @param {string} threadId @returns {Promise<string|null>} null where there is none, or it cannot be asked for now */
  async #renewedKid(threadId) {
    try {
      return (await this.#options.renewKey?.(threadId)) ?? null;
    } catch (/** @type {any} */ error) {
      if (error.status === undefined && !(error instanceof DisbelievedError)) throw error;
      return null;
    }
  }

  /** That this device has opened. @param {string} threadId
   * @returns {Promise<{kid: string|null, code: string|null, isRead: boolean}>} `code`: why it is not believed; `isRead`:
   *   false until the keys of a restored server were read */
  #newestKid(threadId) {
    return this.#options.database.read(["meta"], async ({ meta }) => {
      const [kid = null, all] = await Promise.all([settled(meta.get(kidName(threadId))), readHeld(meta)]);
      const isRead = all[threadId]?.kids !== null;
      const isBelieved = !isRead || !isHeld(all, threadId, /** @type {any} */ (kid));
      return { kid, code: isBelieved ? null : all[threadId].code, isRead };
    });
  }

  #changed() {
    this.#options.onChange?.();
    if (!this.#page.signal.aborted) this.#channel?.postMessage("changed");
  }
}

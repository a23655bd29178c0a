/**
 * Receives from one thread: each item is kept, checked, decrypted, delivered, and then acknowledged; what is not believed
 * is told and never skipped silently.
 * @module
 */

import { connect } from "../core/stream.js";
import { Timers } from "../core/timers.js";
import { DisbelievedError } from "./errors.js";
import { Inbox } from "./inbox.js";
import { isResendRequest, readResendRequest } from "./resend.js";
import { threadStream } from "./subject.js";

const HISTORY_ITEMS = 200;
const ACK_AGAIN_MILLISECONDS = 5_000;
const KEYS_AGAIN_MILLISECONDS = 10_000; // no item tells that a wrap was added
const GAP_AGAIN_MILLISECONDS = [0, 500, 1_000, 2_000, 4_000];
const KEY_EVENTS = new Set(["key", "device_added", "device_revoked", "member_added", "member_removed", "role_changed"]);
const SIGNED = new Set(["UNKNOWN_KEY", "UNDECIPHERABLE"]); // what is found out only after the signature was right
const FINAL = new Set(["REPLAYED", "NOT_A_MEMBER"]); // found out here, whatever the server tells anew

/** @typedef {import("./inbox.js").InboxRow} InboxRow */
/** @typedef {import("./inbox.js").Gap} Gap */
/** `content` is null of what the server tells. @typedef {{seq: number, epoch: string, from: string|null, receivedAt: string,
 *   envelope: import("./texts.js").Envelope|null, event: string|null, data: any, by: string|null,
 *   content: Uint8Array<ArrayBuffer>|null}} Delivered */
/**
 * @typedef {object} ReceiverOptions
 * @property {import("./client.js").ThreadsClient} client
 * @property {import("./worker_link.js").Crypto} crypto opened
 * @property {import("./database.js").ThreadsDatabase} database the member's
 * @property {string} memberId
 * @property {import("./thread_keys.js").ThreadKeys} keys of the thread
 * @property {(delivered: Delivered) => void} onItem each once and in order; of before first
 * @property {(item: any, code: string) => void} [onError] one that was not believed, also after it was read again
 * @property {(gap: {clientId: string, from: number, to: number}) => void} [onSenderGap]
 * @property {(wanted: {clientId: string, from: number, to: number}) => void} [onResend] somebody lacks numbers of a device,
 *   which sends them once more if it is this one: `answerResend` of the sender
 * @property {(gap: Gap) => void} [onGap] before the item that follows, and each time that the items around it are
 *   delivered at the start
 * @property {() => void} [onRequeued] the keys of a restored server were read, and what it may have lost waits once more:
 *   `flush` of the sender
 * @property {(ackedSeq: number) => void} [onAcked]
 * @property {() => void} [onKeys] the keys were read anew
 * @property {(state: import("../core/stream.js").StreamState, reason: string|null) => void} [onState]
 * @property {number} [historyItems] how many of those that are here already are delivered at the start
 * @property {boolean} [share] false gives this tab a connection of its own
 */

export class ThreadReceiver {
  #threadId;
  #options;
  #inbox;
  #stream = /** @type {import("../core/stream.js").Stream|null} */ (null);
  #working = /** @type {Promise<void>} */ (Promise.resolve());
  #unread = /** @type {Map<number, InboxRow>} */ (new Map()); // behind these nothing is acknowledged
  #quarantined = new Set(); // those of them of which the page was told
  #lackedKids = new Set(); // for which the keys were read already
  #epoch = /** @type {string|null} */ (null);
  #last = 0; // that came, in this epoch
  #delivered = 0;
  #acked = 0;
  #isAcking = false;
  #isRenewalDue = false;
  #isRestored = false; // the server, and its keys were not read since
  #isOver = false;
  #hasEarlier = false;
  #timers = new Timers();

  /** @param {string} threadId @param {ReceiverOptions} options */
  constructor(threadId, options) {
    this.#threadId = threadId;
    this.#options = options;
    this.#inbox = new Inbox(options.database, threadId);
  }

  /** What is here already, then what comes. */
  async start() {
    const place = await this.#inbox.place();
    const history = this.#options.historyItems ?? HISTORY_ITEMS;
    this.#hasEarlier = place.seq > history;
    this.#epoch = place.epoch;
    this.#last = place.seq;
    const newest = await this.#inbox.newest(history, place);
    const since = newest[0]?.seq ?? place.seq;
    const earlier = (await this.#inbox.unread(place)).filter(({ seq }) => seq < since);
    for (const row of earlier) await this.#deliver(row);
    await this.#deliverNewest(newest, (await this.#inbox.gaps(place)).filter(({ to }) => to >= since - 1));
    if (this.#isOver) return;
    const subject = threadStream(this.#threadId, this.#options.client, this.#options.memberId);
    this.#stream = connect(subject, {
      after: place.seq,
      epoch: place.epoch,
      onEvent: (item) => this.#enqueue(() => this.#take(item)),
      onState: (state, reason) => this.#options.onState?.(state, reason),
      share: this.#options.share ?? !this.#options.database.isTabOnly,
    });
  }

  /** What lacked before them is told in its place once more. @param {InboxRow[]} rows @param {Gap[]} gaps */
  async #deliverNewest(rows, gaps) {
    for (const row of rows) {
      while (gaps[0]?.to < row.seq) this.#options.onGap?.(/** @type {Gap} */ (gaps.shift()));
      await this.#deliver(row);
    }
  }

  /** Whether there are items before those that the start delivered. */
  get hasEarlier() {
    return this.#hasEarlier;
  }

  close() {
    this.#isOver = true;
    this.#stream?.close();
    this.#timers.close();
  }

  retryNow() {
    this.#stream?.retryNow();
  }

  /** Once more what was not believed, under keys and items read anew. @param {{areKeysRead?: boolean}} [how] `areKeysRead`:
   * just now, by whoever calls @returns {Promise<void>} */
  retryQuarantined({ areKeysRead = false } = {}) {
    return this.#enqueue(async () => {
      const isRefreshed = areKeysRead || await this.#whileAnswered(async () => Boolean(await this.#options.keys.refresh()));
      if (isRefreshed) await this.#deliverUnread((row) => this.#openTwice(row, true));
      else this.#renewKeysLater();
    });
  }

  /** One after the other, in the order in which they came. @param {() => Promise<void>} work */
  #enqueue(work) {
    const done = this.#working.then(() => (this.#isOver ? undefined : work()));
    this.#working = done.catch((error) => queueMicrotask(() => {
      if (!this.#isOver) throw error; // after that its stores are being emptied under its hands
    }));
    return done;
  }

  /** @param {any} item */
  async #take(item) {
    if (item.epoch !== this.#epoch) this.#begin(item.epoch);
    if (this.#last === 0) await this.#findBeginning(item);
    const isFirstVisible = item.seq > this.#last + 1 && (await this.#fill(item));
    if (!this.#isOver) await this.#keep(item, { isFirstVisible });
  }

  /** Where the first item is not the thread's, what lacks before it is what this member may see. @param {any} item */
  async #findBeginning({ seq, epoch }) {
    this.#last = seq - 1;
    if (seq === 1) return;
    await this.#whileAnswered(async () => {
      const visibleFrom = await this.#readVisibleFrom(epoch);
      this.#last = Math.min(this.#last, visibleFrom - 1);
      return true;
    });
  }

  /** What the stream passed over, before the item that comes after it. @param {any} item
   * @returns {Promise<boolean>} nothing was: what this member may see begins anew with the item */
  async #fill(item) {
    const to = item.seq - 1;
    for (const milliseconds of GAP_AGAIN_MILLISECONDS) {
      await this.#pause(milliseconds);
      if (this.#isOver) return false;
      if (await this.#whileAnswered(() => this.#isFirstVisible(item))) return true;
      if (await this.#whileAnswered(() => this.#readOn(item.epoch, to))) return false;
    }
    await this.#tellGap({ from: this.#last + 1, to, reason: "missing" });
    return false;
  }

  /** Whoever was removed, and is back without what was said meanwhile, sees from the item on that tells of it. The
   * server's word alone does not leave numbers out at any other. @param {any} item */
  async #isFirstVisible({ type, event, data, seq, epoch }) {
    if (type !== "system" || event !== "member_added" || data.memberId !== this.#options.memberId) return false;
    return (await this.#readVisibleFrom(epoch)) === seq;
  }

  /** @param {string} epoch @returns {Promise<number>} infinite where the server does not say it of this epoch */
  async #readVisibleFrom(epoch) {
    const { client, memberId } = this.#options;
    const status = await client.status(this.#threadId);
    const own = status.members.find((/** @type {any} */ member) => member.memberId === memberId);
    return (status.epoch === epoch && own?.visibleFrom) || Infinity;
  }

  /** Page after page, as long as they follow on. @param {string} epoch @param {number} to
   * @returns {Promise<boolean>} whether nothing lacks any more: what was trimmed is told */
  async #readOn(epoch, to) {
    for (;;) {
      const range = await this.#options.client.range(this.#threadId, { fromSeq: this.#last + 1, toSeq: to });
      if (range.epoch !== epoch) return false;
      const before = this.#last;
      if (range.missing) {
        const gone = Math.min(range.missing.toSeq, to);
        await this.#tellGap({ from: before + 1, to: gone, reason: "trimmed" });
        this.#last = gone;
      }
      for (const item of range.items) if (item.seq === this.#last + 1 && item.seq <= to) await this.#keep(item);
      if (this.#last >= to) return true;
      if (this.#last === before) return false;
    }
  }

  /** Kept: who opens the thread once more has to see it, too. @param {Gap} gap */
  async #tellGap(gap) {
    await this.#inbox.noteGap(/** @type {string} */ (this.#epoch), gap);
    if (!this.#isOver) this.#options.onGap?.(gap);
  }

  /** @param {number} milliseconds */
  #pause(milliseconds) {
    return milliseconds === 0 ? null : new Promise((done) => this.#timers.set("gap", milliseconds, () => done(null)));
  }

  /** @param {any} item the next one @param {{isFirstVisible?: boolean}} [how] */
  async #keep(item, how) {
    this.#last = Math.max(this.#last, item.seq);
    await this.#deliver(await this.#inbox.add(item, how));
    if (item.type === "system" && KEY_EVENTS.has(item.event)) this.#renewKeysOnce();
  }

  /** Behind all that has come by now: much of it may be of keys. */
  #renewKeysOnce() {
    if (this.#isRenewalDue) return;
    this.#isRenewalDue = true;
    void this.#enqueue(() => {
      this.#isRenewalDue = false;
      return this.#renewKeys();
    });
  }

  /** In another epoch the same numbers are other items, and those of keys other keys. @param {string} epoch */
  #begin(epoch) {
    this.#isRestored = this.#epoch !== null;
    if (this.#isRestored) this.#renewKeysOnce();
    this.#epoch = epoch;
    this.#last = this.#delivered = this.#acked = 0;
    this.#unread.clear();
    this.#quarantined.clear();
    this.#lackedKids.clear();
  }

  /** @param {(row: InboxRow) => Promise<Uint8Array<ArrayBuffer>|null>} open */
  async #deliverUnread(open) {
    for (const row of [...this.#unread.values()]) await this.#deliver(row, open);
  }

  /** @param {InboxRow} row @param {(row: InboxRow) => Promise<Uint8Array<ArrayBuffer>|null>} [open] */
  async #deliver(row, open = (one) => this.#openTwice(one, false)) {
    this.#unread.set(row.seq, row);
    try {
      const content = await open(row);
      if (this.#isOver) return;
      this.#tell(row, content);
      if (row.state !== "delivered") this.#tellSenderGap(await this.#inbox.mark(row, "delivered", { isSigned: content !== null }));
      this.#unread.delete(row.seq);
      this.#quarantined.delete(row.seq);
    } catch (/** @type {any} */ error) {
      if (error instanceof DisbelievedError) await this.#quarantine(row, error.code);
      else if (error.status !== undefined) this.#renewKeysLater(); // the server does not tell just now who may write
      else throw error;
    }
    this.#delivered = Math.max(this.#delivered, row.seq);
    void this.#ack();
  }

  /** A resend request is for the sending device alone, and told once. @param {InboxRow} row
   * @param {Uint8Array<ArrayBuffer>|null} content */
  #tell({ item, state }, content) {
    if (content === null || !isResendRequest(item.envelope)) return this.#options.onItem(describe(item, content));
    const wanted = state === "delivered" ? null : readResendRequest(content);
    if (wanted) this.#options.onResend?.(wanted);
  }

  /** That a device was asked once more for numbers of its. @param {import("./senders.js").SenderGap} gap */
  noteAsked(gap) {
    return this.#inbox.noteAsked(gap);
  }

  /** @param {import("./senders.js").SenderGap} gap */
  isAsked(gap) {
    return this.#inbox.isAsked(gap);
  }

  /** Whether numbers of a device are still missing. @param {import("./senders.js").SenderGap} gap @returns {Promise<boolean>} */
  async lacks({ clientId, to }) {
    const progress = (await this.#inbox.progress())[clientId];
    return progress !== undefined && progress.contiguous < to;
  }

  /** @param {InboxRow} row @param {string} code */
  async #quarantine(row, code) {
    const isNew = !this.#quarantined.has(row.seq);
    this.#quarantined.add(row.seq);
    this.#tellSenderGap(await this.#inbox.mark(row, "quarantined", { code, isSigned: SIGNED.has(code) }));
    if (code === "UNKNOWN_KEY") this.#renewKeysLater();
    if (isNew) this.#options.onError?.(row.item, code);
  }

  /** @param {import("./senders.js").SenderGap|null} gap */
  #tellSenderGap(gap) {
    if (gap) this.#options.onSenderGap?.(gap);
  }

  /** A key or a device may be new, and what came may have been damaged on its way: both are read once more.
   * @param {InboxRow} row @param {boolean} isRefreshed the keys were just read */
  async #openTwice(row, isRefreshed) {
    try {
      return await this.#open(row);
    } catch (error) {
      if (!(error instanceof DisbelievedError)) throw error;
      if (!(await this.#whileAnswered(() => this.#readAgain(row, error.code, isRefreshed)))) throw error;
      return this.#open(row);
    }
  }

  /** @param {InboxRow} row @returns {Promise<Uint8Array<ArrayBuffer>|null>} */
  async #open(row) {
    if (row.item.type !== "message") return null;
    if (row.isReplayed) throw new DisbelievedError("REPLAYED");
    if (row.isBarred) throw new DisbelievedError("NOT_A_MEMBER");
    const { keys, crypto } = this.#options;
    return crypto.openItem(row.item, await keys.devices());
  }

  /** @param {() => Promise<boolean>} ask @returns {Promise<boolean>} false also where the server does not answer just now */
  async #whileAnswered(ask) {
    try {
      return await ask();
    } catch (/** @type {any} */ error) {
      if (error.status === undefined) throw error;
      return false;
    }
  }

  /** @param {InboxRow} row @param {string} code of its disbelief @param {boolean} isRefreshed
   * @returns {Promise<boolean>} whether something may have changed */
  async #readAgain(row, code, isRefreshed) {
    const kid = row.item.envelope?.enc?.kid;
    const isLacked = code === "UNKNOWN_KEY"; // found out of an item that was signed as it is
    if (FINAL.has(code) || (isLacked && (isRefreshed || this.#lackedKids.has(kid)))) return false;
    if (!isRefreshed) await this.#options.keys.refresh();
    // Many may be under one key: the rest of them wait for the keys' renewal.
    if (isLacked) this.#lackedKids.add(kid);
    else await this.#readItem(row);
    return true;
  }

  /** @param {InboxRow} row */
  async #readItem(row) {
    const { items, epoch } = await this.#options.client.range(this.#threadId, { fromSeq: row.seq, toSeq: row.seq });
    if (epoch === row.epoch && items[0]?.seq === row.seq) row.item = items[0];
  }

  #renewKeysLater() {
    this.#timers.setIfSooner("keys", KEYS_AGAIN_MILLISECONDS, () => void this.#enqueue(() => this.#renewKeys()));
  }

  async #renewKeys() {
    try {
      await this.#options.keys.ensure();
    } catch (/** @type {any} */ error) {
      if (error.status === undefined && !(error instanceof DisbelievedError)) throw error;
      return this.#renewKeysLater();
    }
    this.#options.onKeys?.();
    if (this.#isRestored) this.#options.onRequeued?.();
    this.#isRestored = false;
    await this.#deliverUnread((row) => this.#open(row));
  }

  /** Up to what was delivered without a fault: an acknowledgement says that all before it was read. */
  async #ack() {
    const seq = Math.min(this.#delivered, ...[...this.#unread.keys()].map((unread) => unread - 1));
    if (this.#isAcking || this.#isOver || seq <= this.#acked) return;
    this.#isAcking = true;
    try {
      this.#acked = (await this.#options.client.ack(this.#threadId, seq)).ackedSeq;
      this.#options.onAcked?.(this.#acked);
    } catch (/** @type {any} */ error) {
      if (error.status === undefined) throw error;
      this.#timers.setIfSooner("ack", ACK_AGAIN_MILLISECONDS, () => void this.#ack());
      return;
    } finally {
      this.#isAcking = false;
    }
    void this.#ack();
  }
}

/** @param {any} item @param {Uint8Array<ArrayBuffer>|null} content @returns {Delivered} */
function describe({ seq, epoch, from = null, receivedAt, envelope = null, event = null, data = null, by = null }, content) {
  return { seq, epoch, from, receivedAt, envelope, event, data, by, content };
}

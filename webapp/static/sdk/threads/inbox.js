/**
 * A thread's items as they came, encrypted as they are, with the place up to which this browser has them.
 * @module
 */

import { keysBetween, settled } from "../core/storage.js";
import { requeueAcked, settleAcked, settleAckedGap } from "./acked.js";
import { noteHeld } from "./held_keys.js";
import { noteItem, noteSigned } from "./senders.js";

/** @typedef {import("../core/ordering.js").Cursor} Cursor */
/** Numbers that the server does not tell: their payloads are gone, or it was asked often enough in vain.
 * @typedef {{from: number, to: number, reason: "trimmed"|"missing"}} Gap */
/** `received`: not yet given to a page; `quarantined`: not believed, for the reason of `code`.
 * @typedef {{threadId: string, epoch: string, seq: number, dedupeId?: string, item: any, isBarred: boolean,
 *   isReplayed: boolean, state: "received"|"delivered"|"quarantined", code: string|null}} InboxRow */

export class Inbox {
  #database;
  #threadId;

  /** @param {import("./database.js").ThreadsDatabase} database @param {string} threadId */
  constructor(database, threadId) {
    this.#database = database;
    this.#threadId = threadId;
  }

  /** Behind the last item that is here. @returns {Promise<Cursor>} */
  async place() {
    const place = await this.#database.read(["meta"], ({ meta }) => settled(meta.get(this.#name("place"))));
    return place ?? { seq: 0, epoch: null };
  }

  /** With the place behind it. One that is here, by another tab, stays as it is.
   * @param {any} item the next one @param {{isFirstVisible?: boolean}} [how] `isFirstVisible`: what was said between it
   *   and those before it is not for this member @returns {Promise<InboxRow>} */
  add(item, how) {
    const { threadId, epoch, seq } = item;
    const dedupeId = item.envelope?.dedupeId;
    return this.#writeIn(epoch, ["inbox", "meta", "outbox"], async (stores) => {
      const { inbox, meta } = stores;
      const known = await settled(inbox.get([threadId, epoch, seq]));
      if (known) return known;
      if (how?.isFirstVisible) await settleAckedGap(stores, threadId, { from: 1, to: seq - 1, reason: "trimmed" });
      await settleAcked(stores, item);
      // The same envelope under another number: a server that plays it once more.
      const isReplayed = dedupeId !== undefined && (await settled(inbox.index("byDedupeId").count([threadId, epoch, dedupeId]))) > 0;
      const { senders, isBarred } = noteItem(await settled(meta.get(this.#name("senders"))), item, how);
      /** @type {InboxRow} */
      const row = { threadId, epoch, seq, dedupeId, item, isBarred, isReplayed, state: "received", code: null };
      if (dedupeId === undefined) delete row.dedupeId; // what has no value is in no index
      inbox.put(row);
      meta.put(senders, this.#name("senders"));
      meta.put({ seq, epoch }, this.#name("place"));
      await this.#noteUnread(meta, epoch, (seqs) => [...seqs, seq]);
      return row;
    });
  }

  /** @param {InboxRow} row with its item as it was read last @param {"delivered"|"quarantined"} state
   * @param {{code?: string|null, isSigned?: boolean}} [how] `isSigned`: the signature of its envelope was right
   * @returns {Promise<import("./senders.js").SenderGap|null>} numbers of its device that are missing before it */
  mark({ threadId, epoch, seq, item }, state, { code = null, isSigned = false } = {}) {
    return this.#database.write(["inbox", "meta"], async ({ inbox, meta }) => {
      const row = await settled(inbox.get([threadId, epoch, seq]));
      if (row) inbox.put({ ...row, ...(state === "delivered" ? { item } : {}), state, code });
      if (state === "delivered") await this.#noteUnread(meta, epoch, (seqs) => seqs.filter((one) => one !== seq));
      return isSigned ? this.#noteSigned(meta, epoch, item.envelope) : null;
    });
  }

  /** Within a transaction. @param {IDBObjectStore} meta @param {string} epoch @param {import("./texts.js").Envelope} envelope */
  async #noteSigned(meta, epoch, envelope) {
    const before = await settled(meta.get(this.#name("senders")));
    if (before?.epoch !== epoch) return null;
    const { senders, gap } = noteSigned(before, envelope);
    meta.put(senders, this.#name("senders"));
    return gap;
  }

  /** Those that came and were not delivered, in order, however long ago. @param {Cursor} place @returns {Promise<InboxRow[]>} */
  async unread({ epoch }) {
    return this.#database.read(["inbox", "meta"], async ({ inbox, meta }) => {
      const noted = await settled(meta.get(this.#name("unread")));
      const seqs = noted?.epoch === epoch ? noted.seqs : [];
      const rows = await Promise.all(seqs.map((/** @type {number} */ seq) => settled(inbox.get(/** @type {any} */ ([this.#threadId, epoch, seq])))));
      return rows.filter((row) => row !== undefined);
    });
  }

  /** Within a transaction. @param {IDBObjectStore} meta @param {string} epoch @param {(seqs: number[]) => number[]} change */
  async #noteUnread(meta, epoch, change) {
    const noted = await settled(meta.get(this.#name("unread")));
    meta.put({ epoch, seqs: change(noted?.epoch === epoch ? noted.seqs : []) }, this.#name("unread"));
  }

  /** By device. @returns {Promise<Record<string, import("./senders.js").Progress>>} */
  async progress() {
    const senders = await this.#database.read(["meta"], ({ meta }) => settled(meta.get(this.#name("senders"))));
    return senders?.progress ?? {};
  }

  /** What lacks, in order. @param {Cursor} place @returns {Promise<Gap[]>} */
  async gaps({ epoch }) {
    const noted = await this.#database.read(["meta"], ({ meta }) => settled(meta.get(this.#name("gaps"))));
    return noted?.epoch === epoch ? noted.gaps : [];
  }

  /** In the place of what other tabs have found out of the same numbers. @param {string} epoch @param {Gap} gap */
  async noteGap(epoch, gap) {
    await this.#writeIn(epoch, ["meta", "outbox"], async (stores) => {
      const { meta } = stores;
      await settleAckedGap(stores, this.#threadId, gap);
      const noted = await settled(meta.get(this.#name("gaps")));
      const known = /** @type {Gap[]} */ (noted?.epoch === epoch ? noted.gaps : []);
      const others = known.filter(({ from, to }) => to < gap.from || from > gap.to);
      const all = [...others, gap].sort((one, other) => one.from - other.from);
      meta.put({ epoch, gaps: all }, this.#name("gaps"));
    });
  }

  /** One transaction on what the server tells of an epoch. Where that is not the one of before, a server that was restored
   * may have lost what it had acknowledged, whose numbers say nothing of this epoch: it is queued anew before any number
   * settles it. It may have lost keys, too: nothing of the thread is sent until they were read.
   * @template Value @param {string} epoch @param {import("./database.js").StoreName[]} names with `meta` and `outbox`
   * @param {(stores: import("./database.js").Stores) => Promise<Value>} act @returns {Promise<Value>} */
  #writeIn(epoch, names, act) {
    return this.#database.write(names, async (stores) => {
      const place = await settled(stores.meta.get(this.#name("place")));
      if (place && place.epoch !== epoch) {
        await requeueAcked(stores, this.#threadId);
        await noteHeld(stores.meta, this.#threadId, { kids: null, code: null, epoch });
      }
      return act(stores);
    });
  }

  /** A device was asked once more for its numbers, by whomever. @param {import("./senders.js").SenderGap} gap */
  async noteAsked({ clientId, from, to }) {
    await this.#database.write(["meta"], async ({ meta }) => {
      const { epoch, asked } = await this.#readAsked(meta);
      const name = `${clientId} ${from}`;
      meta.put({ epoch, asked: { ...asked, [name]: Math.max(asked[name] ?? 0, to) } }, this.#name("asked"));
    });
  }

  /** @param {import("./senders.js").SenderGap} gap @returns {Promise<boolean>} */
  async isAsked({ clientId, from, to }) {
    const { asked } = await this.#database.read(["meta"], ({ meta }) => this.#readAsked(meta));
    return (asked[`${clientId} ${from}`] ?? 0) >= to;
  }

  /** Within a transaction. What was asked for in another epoch may have been lost with it: it is asked for once more.
   * @param {IDBObjectStore} meta @returns {Promise<{epoch: string|null, asked: Record<string, number>}>} of the epoch that
   *   the last item was of */
  async #readAsked(meta) {
    const place = await settled(meta.get(this.#name("place")));
    const noted = await settled(meta.get(this.#name("asked")));
    const epoch = place?.epoch ?? null;
    return { epoch, asked: noted?.epoch === epoch ? noted.asked : {} };
  }

  /** The newest up to that place, in order. @param {number} most @param {Cursor} place @returns {Promise<InboxRow[]>} */
  async newest(most, { seq, epoch }) {
    if (epoch === null) return [];
    const range = keysBetween([this.#threadId, epoch, Math.max(0, seq - most + 1)], [this.#threadId, epoch, seq]);
    return this.#database.read(["inbox"], ({ inbox }) => settled(inbox.getAll(range)));
  }

  /** @param {string} what */
  #name(what) {
    return `${what}:${this.#threadId}`;
  }
}

/**
 * Envelopes that wait for their ACK, on this computer's disk: ciphertext alone, and nothing leaves but by ACK or by the
 * person's word.
 * @module
 */

import { underLock } from "../core/locks.js";
import { settled } from "../core/storage.js";
import { ackedOf, keepAcked, requeueAcked } from "./acked.js";
import { isHeld, readHeld } from "./held_keys.js";
import { removeKept } from "./kept_uploads.js";

const LEASE_MILLISECONDS = 30_000;
const ADD_MILLISECONDS = 20_000; // longer than the store takes; then the tab that adds is frozen
const ANNOUNCED = "announcedBlobs"; // in `meta`
const MOST_TRIES = 100; // with locks the first one succeeds; without them each loses to another tab that won

/** @typedef {import("./texts.js").Envelope} Envelope */
/** `nextAt` and `leaseUntil` in milliseconds; `code` why it was refused for good; `blob` which one its envelope tells of.
 * @typedef {{dedupeId: string, threadId: string, clientSeq: number, envelope: Envelope, blob: BlobCompletion|null,
 *   bytes: number, state: "queued"|"inflight"|"dead", tries: number, nextAt: number, leaseUntil: number, code: string|null}} OutboxRow */
/** @typedef {{most: number, mostBytes: number, isEarly?: boolean}} Take */
/** @typedef {import("./blob_message.js").BlobCompletion} BlobCompletion */
/** @typedef {BlobCompletion & {threadId: string}} AnnouncedBlob */
/** Of an envelope about a blob: which one, and under which id it is kept until the envelope is here, if it is.
 * @typedef {{blob?: BlobCompletion|null, uploadId?: string|null}} AddedBlob */

export class Outbox {
  #database;
  #now;
  #adding = /** @type {Promise<any>} */ (Promise.resolve()); // one after the other, also where there are no locks

  /** @param {import("./database.js").ThreadsDatabase} database @param {() => number} [now] */
  constructor(database, now = () => Date.now()) {
    this.#database = database;
    this.#now = now;
  }

  /**
   * The next envelope of this device in a thread. Its number is given in the transaction that adds it: a number that was
   * taken before and lost with its tab would be a gap for ever. From when this resolves on, the tab may die.
   * @param {string} threadId @param {(clientSeq: number) => Promise<Envelope>} make may be called again with a later number
   * @param {AddedBlob} [about] @returns {Promise<OutboxRow|null>} null where the upload is not kept any more: another tab
   *   has added its envelope, or it was given up
   */
  queueAdd(threadId, make, about = {}) {
    const name = `welno.threads.add:${this.#database.scope}`;
    const add = () => underLock(name, () => this.#addNext(threadId, make, about), { patienceMilliseconds: ADD_MILLISECONDS });
    const added = this.#adding.then(add);
    this.#adding = added.catch(() => {});
    return added;
  }

  /**
   * Those that may be sent now, by clientSeq, under a lease. Behind one that may not, as another tab is sending it or its
   * key is held, its thread waits: else a later one might be numbered first.
   * @param {Take} take `isEarly`: also those that a failure put off @returns {Promise<OutboxRow[]>}
   */
  queueTake(take) {
    return this.#database.write(["outbox", "meta"], async ({ outbox, meta }) => {
      const held = await readHeld(meta);
      const taking = new Taking(take, this.#now(), ({ threadId, envelope }) => isHeld(held, threadId, envelope.enc.kid));
      await walk(outbox.index("byClientSeq").openCursor(), (cursor) => {
        const step = taking.judge(cursor.value);
        if (step === "take") outbox.put(taking.lease(cursor.value));
        if (step === "leave") cursor.continue([cursor.value.threadId, Infinity]); // to the next thread
        else if (step !== "stop") cursor.continue();
      });
      return taking.taken;
    });
  }

  /** By ACK. The blobs that they tell of are announced from then on. What has not come back as an item yet is kept until
   * it does: till then nothing shows that the server has it. @param {{dedupeId: string, seq?: number}[]} acks
   * @returns {Promise<void>} */
  acknowledge(acks) {
    return this.#database.write(["outbox", "meta", "inbox"], async (stores) => {
      const { outbox, meta } = stores;
      const rows = await Promise.all(acks.map(({ dedupeId }) => settled(outbox.get(dedupeId))));
      const blobs = rows.flatMap((row) => (row?.blob ? [{ threadId: row.threadId, ...row.blob }] : []));
      if (blobs.length > 0) meta.put([...((await settled(meta.get(ANNOUNCED))) ?? []), ...blobs], ANNOUNCED);
      for (const [at, row] of rows.entries()) if (row) await keepAcked(stores, row, acks[at].seq ?? 0);
      await Promise.all(acks.map(({ dedupeId }) => settled(outbox.delete(dedupeId))));
    });
  }

  /** What the server has acknowledged, and has not told as an item yet. @param {string} threadId
   * @returns {Promise<OutboxRow[]>} */
  async acked(threadId) {
    const rows = await this.#database.read(["meta"], ({ meta }) => settled(meta.getAll(ackedOf(threadId))));
    return rows.sort((one, other) => one.clientSeq - other.clientSeq);
  }

  /** To be sent once more, whether the server has them or not. @param {string} threadId
   * @param {(row: OutboxRow) => boolean} isWanted @returns {Promise<number>} how many */
  requeueAcked(threadId, isWanted) {
    return this.#database.write(["outbox", "meta"], (stores) => requeueAcked(stores, threadId, isWanted));
  }

  /** Blobs whose envelopes the server has, until `forgetAnnounced`. @returns {Promise<AnnouncedBlob[]>} */
  async announced() {
    return (await this.#database.read(["meta"], ({ meta }) => settled(meta.get(ANNOUNCED)))) ?? [];
  }

  /** @param {string} blobId @returns {Promise<void>} */
  forgetAnnounced(blobId) {
    return this.#database.write(["meta"], async ({ meta }) => {
      const blobs = /** @type {AnnouncedBlob[]} */ ((await settled(meta.get(ANNOUNCED))) ?? []);
      meta.put(blobs.filter((one) => one.blobId !== blobId), ANNOUNCED);
    });
  }

  /** By the person's word. @param {string[]} dedupeIds @returns {Promise<void>} */
  queueDelete(dedupeIds) {
    return this.#database.write(["outbox"], async ({ outbox }) => {
      await Promise.all(dedupeIds.map((id) => settled(outbox.delete(id))));
    });
  }

  /** They were not taken; they may be sent again after a while. Those that are gone meanwhile, or dead, stay so.
   * @param {string[]} dedupeIds @param {number} [milliseconds] */
  release(dedupeIds, milliseconds = 0) {
    return this.#change(dedupeIds, (row) => {
      if (row.state === "dead") return;
      row.state = "queued";
      row.tries += 1;
      row.leaseUntil = 0;
      row.nextAt = this.#now() + milliseconds;
    });
  }

  /** Refused for good, and shown until the person decides. @param {string} dedupeId @param {string} code */
  bury(dedupeId, code) {
    return this.#change([dedupeId], (row) => {
      row.state = "dead";
      row.code = code;
    });
  }

  /** The person wants it sent once more. @param {string} dedupeId */
  revive(dedupeId) {
    return this.#change([dedupeId], (row) => {
      Object.assign(row, { state: "queued", code: null, nextAt: 0, leaseUntil: 0 });
    });
  }

  /** The same message under a newer key. @param {Envelope} envelope */
  replace(envelope) {
    return this.#change([envelope.dedupeId], (row) => {
      Object.assign(row, { ...rowOf(envelope, row.blob), tries: row.tries });
    });
  }

  /** All, in order of their threads and numbers. @returns {Promise<OutboxRow[]>} */
  rows() {
    return this.#database.read(["outbox"], ({ outbox }) => settled(outbox.index("byClientSeq").getAll()));
  }

  /** Those that wait for another key than theirs, or until the keys were read. @returns {Promise<OutboxRow[]>} */
  heldRows() {
    return this.#database.read(["outbox", "meta"], async ({ outbox, meta }) => {
      const held = await readHeld(meta);
      const rows = /** @type {OutboxRow[]} */ (await settled(outbox.index("byClientSeq").getAll()));
      return rows.filter(({ state, threadId, envelope }) => state !== "dead" && isHeld(held, threadId, envelope.enc.kid));
    });
  }

  /** How many wait, dead ones too. @returns {Promise<number>} */
  count() {
    return this.#database.read(["outbox"], ({ outbox }) => settled(outbox.count()));
  }

  /** @param {string} threadId @param {(clientSeq: number) => Promise<Envelope>} make @param {AddedBlob} about */
  async #addNext(threadId, make, { blob = null, uploadId = null }) {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const row = rowOf(await make((await this.#lastSeq(threadId)) + 1), blob);
      const outcome = await this.#addUnlessTaken(row, uploadId);
      if (outcome !== "taken") return outcome === "added" ? row : null;
    }
    throw new Error("other tabs took each number");
  }

  /** @param {string} threadId @returns {Promise<number>} */
  async #lastSeq(threadId) {
    return (await this.#database.read(["meta"], ({ meta }) => settled(meta.get(seqName(threadId))))) ?? 0;
  }

  /** @param {OutboxRow} row @param {string|null} uploadId @returns {Promise<"added"|"taken"|"gone">} `taken`: its number
   * was, by another tab; `gone`: the upload was */
  #addUnlessTaken(row, uploadId) {
    /** @param {import("./database.js").Stores} stores @returns {Promise<"added"|"taken"|"gone">} */
    const add = async ({ outbox, meta }) => {
      const name = seqName(row.threadId);
      if (((await settled(meta.get(name))) ?? 0) !== row.clientSeq - 1) return "taken";
      if (uploadId !== null && !(await removeKept(meta, uploadId))) return "gone";
      outbox.add(row);
      meta.put(row.clientSeq, name);
      return "added";
    };
    return this.#database.write(["outbox", "meta"], add, { isStrict: true });
  }

  /** @param {string[]} dedupeIds @param {(row: OutboxRow) => void} change @returns {Promise<void>} */
  #change(dedupeIds, change) {
    return this.#database.write(["outbox"], async ({ outbox }) => {
      for (const id of dedupeIds) {
        const row = await settled(outbox.get(id));
        if (!row) continue;
        change(row);
        outbox.put(row);
      }
    });
  }
}

/** Which of the rows, in their order, are taken now. */
export class Taking {
  taken = /** @type {OutboxRow[]} */ ([]);
  #take;
  #now;
  #isHeld;
  #bytes = 0;

  /** @param {Take} take @param {number} now @param {(row: OutboxRow) => boolean} [isHeld] by its key */
  constructor(take, now, isHeld = () => false) {
    this.#take = take;
    this.#now = now;
    this.#isHeld = isHeld;
  }

  /** @param {OutboxRow} row @returns {"take"|"pass"|"leave"|"stop"} `leave`: the rest of its thread waits, too */
  judge(row) {
    const { state, leaseUntil, nextAt, bytes } = row;
    if (state === "dead") return "pass";
    if (this.#isHeld(row)) return "leave";
    if (state === "inflight" && leaseUntil > this.#now) return "leave";
    if (state === "queued" && nextAt > this.#now && !this.#take.isEarly) return "leave";
    const isFull = this.taken.length === this.#take.most || this.#bytes + bytes > this.#take.mostBytes;
    return isFull && this.taken.length > 0 ? "stop" : "take";
  }

  /** @param {OutboxRow} row @returns {OutboxRow} as it is kept while it is sent */
  lease(row) {
    const leased = { ...row, state: /** @type {const} */ ("inflight"), leaseUntil: this.#now + LEASE_MILLISECONDS };
    this.#bytes += row.bytes;
    this.taken.push(leased);
    return leased;
  }
}

/** Until the visitor does not go on. @param {IDBRequest<IDBCursorWithValue|null>} request
 * @param {(cursor: IDBCursorWithValue) => void} visit @returns {Promise<void>} */
function walk(request, visit) {
  return new Promise((resolve, reject) => {
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const cursor = request.result;
      if (!cursor) return resolve();
      try {
        visit(cursor);
      } catch (error) {
        return reject(error);
      }
      // A visitor that asked for the next row made the request pending again.
      if (request.readyState === "done") resolve();
    };
  });
}

/** @param {Envelope} envelope @param {BlobCompletion|null} blob @returns {OutboxRow} */
function rowOf(envelope, blob) {
  const { dedupeId, threadId, clientSeq } = envelope;
  const bytes = JSON.stringify(envelope).length;
  return { dedupeId, threadId, clientSeq, envelope, blob, bytes, state: "queued", tries: 0, nextAt: 0, leaseUntil: 0, code: null };
}

/** @param {string} threadId */
const seqName = (threadId) => `clientSeq:${threadId}`;

/**
 * One running session in one page: history, stream, storage and the person's copy, joined by the decisions of `flow`.
 * @module
 */

import { StoreError } from "../core/storage.js";
import { connect } from "../core/stream.js";
import { WelnoClient } from "./client.js";
import { HealthDatabase } from "./database.js";
import { decide, fromStatus, initialFlow, isOver, mayOpenRecords, resume } from "./flow.js";
import { advance, initialProgress, progressFromStatus } from "./progress.js";
import { KEYS, WelnoStorage } from "./storage.js";
import { sessionStream } from "./subject.js";

/** @typedef {import("./flow.js").Action} Action */
/** @typedef {import("./flow.js").FlowState} FlowState */
/** @typedef {import("./progress.js").Progress} Progress */
/**
 * What the page does itself. `perform` carries out one action and, for a dialog, resolves when it is closed.
 * @typedef {object} View
 * @property {(action: Action) => void|Promise<void>} perform
 * @property {(progress: Progress, flow: FlowState) => void} [showProgress]
 * @property {(state: import("../core/stream.js").StreamState, reason: string|null) => void} [showConnection]
 */

const ENDED_TEXT = {
  expired: "시간이 지나 연결이 끝났어요. 처음부터 다시 시작해 주세요.",
  gone: "진행 중인 기록 모으기를 찾을 수 없어요. 처음부터 다시 시작해 주세요.",
  unauthenticated: "이 브라우저에서 시작한 기록 모으기가 아니에요. 처음부터 다시 시작해 주세요.",
  forbidden: "이 주소에서는 기록 모으기를 이어갈 수 없어요.",
};

export class Collection {
  #client;
  #storage;
  #database;
  #view;
  #flow;
  #progress;
  #stream = /** @type {import("../core/stream.js").Stream|null} */ (null);
  #dialog = Promise.resolve();
  #stopped = new AbortController();

  /**
   * @param {{sessionId: string, page: string, redirectPath?: string, view: View, client?: WelnoClient,
   *   storage?: WelnoStorage, database?: HealthDatabase}} options
   */
  constructor({
    sessionId,
    page,
    redirectPath,
    view,
    storage = new WelnoStorage(),
    client = new WelnoClient({ storage }),
    database = new HealthDatabase({ client }),
  }) {
    this.#client = client;
    this.#storage = storage;
    this.#database = database;
    this.#view = view;
    const path = redirectPath ?? storage.read(KEYS.redirectPath) ?? undefined;
    this.#flow = initialFlow({ sessionId, page, ...(path ? { redirectPath: path } : {}) });
    this.#progress = initialProgress({ withReport: this.#flow.redirectPath.includes("disease-report") });
  }

  get sessionId() {
    return this.#flow.sessionId;
  }
  get flow() {
    return this.#flow;
  }
  get progress() {
    return this.#progress;
  }
  /** Whether there may be records to ask for: before, the server knows none for this session. */
  get mayOpenRecords() {
    return mayOpenRecords(this.#flow);
  }
  get #isStopped() {
    return this.#stopped.signal.aborted;
  }

  /** Reads the session's state, then follows it. Rejects with a WelnoError when it cannot be had. */
  async start() {
    const cursor = await this.#recall();
    if (this.#isStopped) return;
    this.#show();
    if (isOver(this.#flow)) this.#view.showConnection?.("closed", this.#flow.status);
    else this.#stream = this.#connect(cursor);
    await this.#run(resume(this.#flow));
  }

  #connect(cursor) {
    return connect(sessionStream(this.sessionId, this.#client), {
      after: cursor.seq,
      epoch: cursor.epoch,
      onEvent: (event) => this.#take(event),
      onStatus: (status) => this.#adopt(status),
      onState: (state, reason) => this.#connection(state, reason),
    });
  }

  /** For good: whatever is under way keeps nothing in this browser any more. */
  stop() {
    this.#stopped.abort();
    this.#stream?.close();
  }

  /** Ends the session for everybody; what is stored stays. */
  async cancel() {
    this.stop();
    this.#storage.endSession(this.sessionId); // first: the person may start anew before the answer comes
    await this.#client.cancel(this.sessionId);
  }

  /** Sends a new push, after a decline or when the last one took long; one that is under way is not sent twice: the
   * answer says `duplicate_request_prevented`. */
  async askAgain() {
    return this.#client.simpleAuth(this.sessionId);
  }

  /** "I have approved on the phone." */
  async approve() {
    if (!this.#isStopped) this.#storage.write(KEYS.manualCollect, "true");
    return this.#client.collectData(this.sessionId);
  }

  /** Applies the events so far without their toasts: those were shown, or nobody was there to see them. */
  async #recall() {
    const past = await this.#client.messages(this.sessionId, { seq: 0, epoch: null });
    if (past.resync || past.messages[0]?.seq > 1) {
      this.#learn(await this.#client.status(this.sessionId));
      return { seq: past.last_seq, epoch: past.epoch };
    }
    for (const event of past.messages) this.#fold(event);
    return { seq: past.messages.at(-1)?.seq ?? 0, epoch: past.epoch };
  }

  #fold(event) {
    const { state, actions } = decide(this.#flow, event);
    this.#flow = state;
    this.#progress = advance(this.#progress, event);
    if (!this.#isStopped)
      for (const action of actions) if (action.do === "remember") this.#storage.write(action.key, action.value);
    return actions;
  }

  #learn(status) {
    this.#flow = fromStatus(this.#flow, status);
    this.#progress = progressFromStatus(this.#progress, status);
  }

  #take(event) {
    const actions = this.#fold(event);
    this.#show();
    this.#run(actions.filter((action) => action.do !== "remember"));
  }

  #adopt(status) {
    this.#learn(status);
    this.#show();
    this.#run(resume(this.#flow));
  }

  #show() {
    this.#view.showProgress?.(this.#progress, this.#flow);
  }

  #connection(state, reason) {
    this.#view.showConnection?.(state, reason);
    const text = ENDED_TEXT[reason ?? ""];
    if (!text) return;
    this.#storage.endSession(this.sessionId);
    this.#view.perform({ do: "restart", reason: reason === "expired" ? "expired" : "gone", text });
  }

  /** Each action may take its time, and whoever signs out meanwhile wants none of those behind it. */
  async #run(actions) {
    for (const action of actions) {
      if (this.#isStopped) return;
      await this.#perform(action);
    }
  }

  async #perform(action) {
    if (action.do === "save") return this.#save();
    if (action.do === "dialog") return this.#openDialog(action);
    if (action.do === "navigate") return this.#leave(action);
    if (action.do === "restart") this.#storage.endSession(this.sessionId);
    return this.#view.perform(action);
  }

  /** From here on the next page follows: an event that came to both would claim the dialog for the page that goes away. */
  async #leave(action) {
    if (action.afterDialog) await this.#dialog;
    if (this.#isStopped) return;
    this.stop();
    await this.#view.perform(action);
  }

  /** Once per session, whichever tab is first. The collection goes on behind it. */
  #openDialog(action) {
    if (!this.#storage.claim(this.sessionId, "dialog")) return;
    this.#dialog = Promise.resolve(this.#view.perform(action));
  }

  /** Once per session. A failure costs the offline copy only: the records are safe on the server. */
  async #save() {
    const uuid = this.#flow.patientUuid;
    if (!uuid || this.#storage.isDone(this.sessionId, "save")) return;
    const { signal } = this.#stopped;
    try {
      const records = await this.#fetchRecords(uuid);
      signal.throwIfAborted();
      await this.#database.saveRecords(records, { mode: "merge", signal });
      signal.throwIfAborted();
      await this.#database.forgetOthers(uuid);
      signal.throwIfAborted();
      this.#storage.markDone(this.sessionId, "save");
    } catch (error) {
      if (signal.aborted) return;
      console.warn("welno: the records could not be kept in this browser", error.name);
      this.#settleUnkept(error);
      this.#view.perform({
        do: "toast",
        level: "warning",
        text: "이 기기에는 기록을 보관하지 못했어요. 서버에는 안전하게 저장됐어요.",
      });
    }
  }

  /** A browser that keeps nothing is not asked again, once that was told where it can be read: beside the results.
   * @param {any} error */
  #settleUnkept(error) {
    if (this.#flow.page !== "/" && error instanceof StoreError) this.#storage.markDone(this.sessionId, "save");
  }

  async #fetchRecords(uuid) {
    const [{ person, items: healthData }, prescriptionData] = await Promise.all([
      this.#client.checkupRecords(uuid),
      this.#client.prescriptions(uuid),
    ]);
    return {
      uuid,
      hospitalId: this.#flow.hospitalId,
      patientName: person.name,
      birthday: person.birthdate,
      gender: person.gender,
      healthData,
      prescriptionData,
    };
  }
}

/**
 * A project's interviews, live: the list, then the stream from where the list stands. After an error the stream is
 * closed, and five seconds later both begin anew; there are never two streams, and nothing is polled.
 * @module
 */

import { judgeStatus, reconnectSeconds } from "../core/closing.js";
import { watchPage } from "../core/lifecycle.js";
import { connect } from "../core/stream.js";
import { Timers } from "../core/timers.js";
import { InterviewsClient } from "./client.js";
import { DebugLog } from "./debug_log.js";
import { ReceivedReports } from "./received.js";
import { InterviewRows } from "./rows.js";
import { projectStream } from "./subject.js";
import { Uploads } from "./uploads.js";

const PAGE = 50;

/** @typedef {import("../core/stream.js").StreamState} StreamState */
/**
 * @typedef {object} FeedOptions
 * @property {InterviewsClient} [client]
 * @property {(interviews: any[]) => void} [onChange] newest first, with uploads under way before them
 * @property {(level: "info"|"success"|"error", text: string, event: any) => void} [onToast] what a person is told
 * @property {(event: any) => void} [onEvent] each event of the project, once and in order
 * @property {(state: StreamState, reason: string|null) => void} [onState] `closed`: it is over, as there is no login
 *   (`unauthenticated`) or no such project (`gone`)
 * @property {boolean} [debug] keeps what it did lately in `log`
 * @property {() => number} [random]
 */

/** @type {Record<string, [level: "info"|"success"|"error", text: string]>} */
const TOASTS = {
  "interview:added": ["info", "새 인터뷰가 추가되었습니다"],
  "interview:completed": ["success", "인터뷰 분석이 완료되었습니다"],
  "interview:failed": ["error", "분석에 실패했습니다"],
};

export class InterviewFeed {
  #projectId;
  #client;
  #options;
  #rows = new InterviewRows();
  #uploads;
  #received;
  #log;
  #stream = /** @type {import("../core/stream.js").Stream|null} */ (null);
  #turn = 0; // what an older turn still brings counts no more
  #failures = 0;
  #isBroken = false;
  #isLoading = false;
  #pages = 1;
  #next = /** @type {string|null} */ (null);
  #timers = new Timers();
  #page = new AbortController();

  /** @param {string} projectId @param {FeedOptions} [options] */
  constructor(projectId, { client = new InterviewsClient(), ...options } = {}) {
    this.#projectId = projectId;
    this.#client = client;
    this.#options = options;
    this.#uploads = new Uploads(client, projectId, () => this.#changed());
    this.#received = new ReceivedReports((received) => client.reportReceived(projectId, received));
    this.#log = new DebugLog(options.debug === true);
    const nothing = () => {};
    watchPage({ wake: () => this.#wake(), pause: nothing, resume: nothing }, this.#page.signal);
  }

  /** Newest first, with uploads under way before them. @returns {any[]} */
  get interviews() {
    return [...this.#uploads.rows, ...this.#rows.sorted];
  }
  /** Whether there are older ones that were not loaded yet. */
  get hasMore() {
    return this.#next !== null;
  }

  /** With `debug`: connections, states and kinds of events, the newest last. */
  get log() {
    return this.#log.entries;
  }

  /** Loads and follows. What fails is tried again, and told by `onState`. */
  start() {
    return this.#begin();
  }

  /** The next older ones. */
  async loadMore() {
    const [turn, before] = [this.#turn, this.#next];
    if (before === null) return;
    const page = await this.#client.interviews(this.#projectId, { limit: PAGE, before });
    if (turn !== this.#turn || before !== this.#next) return;
    for (const interview of page.interviews) this.#rows.put(interview);
    this.#pages += 1;
    this.#next = page.next;
    this.#changed();
  }

  /** Shown as a row at once. @param {import("./client.js").Upload} upload @returns {Promise<any|null>} the answer; null
   * when it failed: its row says why */
  async upload(upload) {
    return this.#takeUploaded(await this.#uploads.start(upload));
  }

  /** @param {string} id of the row of an upload that failed @returns {Promise<any|null>} */
  async retryUpload(id) {
    return this.#takeUploaded(await this.#uploads.retry(id));
  }

  /** @param {string} id of an upload's row */
  dismissUpload(id) {
    this.#uploads.dismiss(id);
  }

  /** Leaves for good. */
  close() {
    this.#disconnect();
    this.#timers.close();
    this.#received.close();
    this.#page.abort();
  }

  async #begin() {
    this.#disconnect();
    const turn = this.#turn;
    this.#isLoading = true;
    this.#log.note("load");
    try {
      const place = await this.#load(turn);
      if (place !== null) this.#follow(place);
    } catch (/** @type {any} */ error) {
      if (turn === this.#turn) this.#failLoad(error);
    } finally {
      if (turn === this.#turn) this.#isLoading = false;
    }
  }

  #disconnect() {
    this.#turn += 1;
    this.#timers.clear("again");
    this.#isBroken = this.#isLoading = false;
    this.#stream?.close();
    this.#stream = null;
  }

  /** The list, as long as it was. @param {number} turn @returns {Promise<string|null>} its place, which is older than
   * what it holds: nothing comes between; null: another turn has begun */
  async #load(turn) {
    const first = await this.#client.interviews(this.#projectId, { limit: PAGE });
    const found = [...first.interviews];
    let { next } = first;
    for (let page = 1; page < this.#pages && next !== null && turn === this.#turn; page += 1) {
      const more = await this.#client.interviews(this.#projectId, { limit: PAGE, before: next });
      found.push(...more.interviews);
      next = more.next;
    }
    if (turn !== this.#turn) return null;
    this.#rows.replaceAll(found);
    this.#next = next;
    this.#changed();
    return first.last_event_id;
  }

  /** @param {any} error */
  #failLoad(error) {
    if (error.status === undefined) throw error;
    this.#log.note("failed", { status: error.status, code: error.code });
    const reason = judgeStatus(error.status);
    if (reason) return this.#end(reason);
    this.#tellState(error.status === 0 ? "offline" : "connecting");
    this.#beginLater(error.retryAfterSeconds ?? 0);
  }

  /** @param {string} place `epoch:seq` */
  #follow(place) {
    const turn = this.#turn;
    const [epoch, seq] = place.split(":");
    this.#log.note("follow", { place });
    const ours = (/** @type {(...facts: any[]) => void} */ act) => (/** @type {any[]} */ ...facts) => {
      if (turn === this.#turn) act(...facts);
    };
    const subject = {
      ...projectStream(this.#projectId, this.#client),
      // Later than this feed begins anew: where that has no chance, as before the first byte, the stream tries itself.
      reconnectSeconds: (/** @type {number} */ attempt) => reconnectSeconds(attempt + 1),
    };
    this.#stream = connect(subject, {
      epoch,
      after: Number(seq),
      onEvent: ours((event) => this.#takeEvent(event)),
      onStatus: ours(() => this.#begin()), // its place is gone
      onState: ours((state, reason) => this.#noteState(state, reason)),
    });
  }

  /** @param {any} event */
  #takeEvent(event) {
    this.#log.note("event", { type: event.type, seq: event.seq });
    if (this.#stream?.isLeading) this.#received.count(); // for all tabs that share the stream
    if (event.type === "interview:added") this.#uploads.recognise(event.data.interview);
    const hasSkipped = this.#rows.hasSkipped(event);
    if (this.#rows.apply(event)) this.#changed();
    if (hasSkipped) this.#askName(event.data.interviewId);
    const toast = TOASTS[event.type];
    const isRestored = event.type === "interview:added" && event.data.interview.revision > 1;
    if (toast && !isRestored) this.#options.onToast?.(...toast, event);
    this.#options.onEvent?.(event);
  }

  /** A name in its title is masked once the text says whose it is: the event that follows tells of it by its revision
   * alone. @param {string} id */
  async #askName(id) {
    const turn = this.#turn;
    try {
      const interview = await this.#client.interview(id);
      if (turn === this.#turn && this.#rows.rename(id, interview)) this.#changed();
    } catch (/** @type {any} */ error) {
      if (error.status === undefined) throw error; // else the next load brings it
    }
  }

  /** @param {StreamState} state @param {string|null} reason */
  #noteState(state, reason) {
    if (state === "closed") return this.#end(reason ?? "gone");
    if (state === "streaming") {
      this.#failures = 0;
      this.#isBroken = false;
      this.#timers.clear("again");
    } else if (!this.#isBroken) {
      this.#isBroken = true;
      this.#beginLater();
    }
    this.#tellState(state);
  }

  /** @param {number} [least] seconds */
  #beginLater(least = 0) {
    const seconds = Math.max(least, reconnectSeconds(this.#failures, this.#options.random));
    this.#failures += 1;
    this.#timers.set("again", seconds * 1000, () => this.#begin());
  }

  /** The page or the network is back: what waits for its time is tried at once. An open stream tests itself. */
  #wake() {
    if (this.#stream === null && !this.#isLoading && this.#turn > 0) this.#begin();
  }

  /** @param {string} reason */
  #end(reason) {
    this.close();
    this.#tellState("closed", reason);
  }

  /** @param {any} answer */
  #takeUploaded(answer) {
    if (answer) this.#rows.put(answer.interview);
    this.#changed();
    return answer;
  }

  #changed() {
    this.#options.onChange?.(this.interviews);
  }

  /** @param {StreamState} state @param {string|null} [reason] */
  #tellState(state, reason = null) {
    this.#log.note("state", { state, reason });
    this.#options.onState?.(state, reason);
  }
}

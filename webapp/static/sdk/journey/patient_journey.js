/**
 * One patient's journey in one page: its state as the server tells it, its actions, its calls.
 * @module
 */

import { WelnoError } from "../core/errors.js";
import { connect, isConnected } from "../core/stream.js";
import { openChannel } from "../core/tabs.js";
import { ActionSender } from "./actions.js";
import { JourneyClient } from "./client.js";
import { JourneyMemory } from "./memory.js";
import {
  callKey,
  isCurrent,
  mergeCall,
  mergeQueueUpdate,
  mergeSnapshot,
  openCall,
  waitingEntries,
} from "./snapshot.js";
import { patientStream, queueStream } from "./subjects.js";

/** @typedef {import("../core/stream.js").StreamState} StreamState */
/** @typedef {"change"|"called"|"withdrawn"|"queue"|"connection"|"signedOut"} Topic */

const SEEN_CHANNEL = "welno.journey.seen";
const RETRY_MILLISECONDS = 5_000;

export class PatientJourney {
  #client;
  #memory;
  #now;
  #snapshot = /** @type {Record<string, any>} */ ({});
  #place = /** @type {import("../core/ordering.js").Cursor} */ ({ seq: 0, epoch: null });
  #stream = /** @type {import("../core/stream.js").Stream|null} */ (null);
  #queues = /** @type {Map<string, import("../core/stream.js").Stream>} */ (new Map());
  #sockets = /** @type {any} */ (null);
  #state = /** @type {StreamState} */ ("connecting");
  #heardAt = /** @type {number|null} */ (null);
  #loading = 0;
  #announced = /** @type {Set<string>} */ (new Set());
  #unsent = /** @type {Map<string, import("./snapshot.js").Call>} */ (new Map());
  #topics = new EventTarget();
  #actions;
  #otherTabs;
  #isClosed = false;
  #starting = /** @type {Promise<boolean>|null} */ (null);
  #retryTimer = /** @type {ReturnType<typeof setTimeout>|undefined} */ (undefined);
  #again = () => {
    this.#cancelRetry();
    if (!this.#stream) this.start().catch(() => null);
  };

  /** @param {{client?: JourneyClient, memory?: JourneyMemory, now?: () => number,
   *   clientOptions?: import("./client.js").JourneyOptions}} [options] */
  constructor({ now = Date.now, memory = new JourneyMemory({ now }), clientOptions = {}, client } = {}) {
    this.#now = now;
    this.#memory = memory;
    this.#client = client ?? new JourneyClient({ ...clientOptions, onLoggedOut: () => this.#forget() });
    this.#actions = new ActionSender(this.#client, (frame) => this.#stream?.send(frame) ?? false);
    this.#otherTabs = openChannel(SEEN_CHANNEL);
    this.#otherTabs?.addEventListener("message", ({ data }) => this.#noteSeen(data));
  }

  /** Null until anything is known. @returns {string|null} */
  get journeyState() {
    return this.#snapshot.journey_state ?? null;
  }
  get phase() {
    return this.#snapshot.phase ?? null;
  }
  /** Null while they are not in the hospital. @returns {string|null} */
  get visitId() {
    return this.#snapshot.visit_id ?? null;
  }
  /** @returns {any[]} */
  get queueDetails() {
    return this.#snapshot.queue_details ?? [];
  }
  /** @returns {any[]} */
  get appointments() {
    return this.#snapshot.appointments ?? [];
  }
  /** @returns {string[]} */
  get availableActions() {
    return this.#snapshot.available_actions ?? [];
  }
  /** How often they may still step aside in this visit; null: not told. @returns {number|null} */
  get delaysLeft() {
    return this.#snapshot.delays_left ?? null;
  }
  get nextAppointment() {
    return this.#snapshot.next_appointment ?? null;
  }
  get guidance() {
    return this.#snapshot.guidance ?? null;
  }
  /** Whether an action or a look is under way. */
  get loading() {
    return this.#loading > 0;
  }
  get isConnected() {
    return isConnected(this.#state);
  }
  get connection() {
    return this.#state;
  }
  get isSignedIn() {
    return this.#client.token !== null;
  }
  get client() {
    return this.#client;
  }
  get memory() {
    return this.#memory;
  }
  /** How old what is shown may be, in whole minutes; null while it is kept up to date. @returns {number|null} */
  get staleMinutes() {
    if (this.isConnected || this.#heardAt === null) return null;
    return Math.max(0, Math.floor((this.#now() - this.#heardAt) / 60_000));
  }
  /** The call that is open and that nobody has confirmed here yet; null: none. @returns {any} */
  get unseenCall() {
    const call = openCall(this.#snapshot);
    return call && !this.#memory.isSeen(callKey(call)) ? call : null;
  }

  /** @param {() => void} act @returns {() => void} ends it */
  onChange(act) {
    return this.#on("change", act);
  }
  /** Each call once, a repeated one anew. @param {(call: import("./snapshot.js").Call) => void} act */
  onCalled(act) {
    return this.#on("called", act);
  }
  /** @param {(call: any) => void} act */
  onCallWithdrawn(act) {
    return this.#on("withdrawn", act);
  }
  /** @param {(update: any) => void} act */
  onQueueUpdate(act) {
    return this.#on("queue", act);
  }
  /** @param {(change: {state: StreamState, reason: string|null}) => void} act */
  onConnection(act) {
    return this.#on("connection", act);
  }
  /** @param {() => void} act */
  onSignedOut(act) {
    return this.#on("signedOut", act);
  }

  /** With this browser's login, if it has one. Without a network what this tab saw last today is shown, and it is tried
   * again. Who asks while it starts waits for the same start.
   * @returns {Promise<boolean>} false: somebody has to sign in */
  start() {
    this.#isClosed = false;
    this.#starting ??= this.#startOnce().finally(() => (this.#starting = null));
    return this.#starting;
  }

  async #startOnce() {
    try {
      if (!this.isSignedIn && !(await this.#client.refreshLogin())) return false;
      await this.#follow(await this.#client.currentState());
      return true;
    } catch (/** @type {any} */ error) {
      if (error.status === undefined) throw error;
      if (!this.isSignedIn && error.status === 401) return false;
      if (this.#isClosed || !this.#recall()) throw error;
      this.#retryWhenBack();
      return true;
    }
  }

  /** @param {import("./client.js").Person} person @returns {Promise<any>} who it is: `{user_id, name, role}` */
  async signIn(person) {
    const scan = this.#memory.scan;
    const token = scan?.scan_token ? { scan_token: scan.scan_token } : {};
    const answer = await this.#client.signIn({ device_id: this.#memory.deviceId, ...token, ...person });
    this.#memory.forgetScan();
    await this.#follow(answer.journey);
    return answer.user;
  }

  /** Here and on the server. */
  async signOut() {
    try {
      await this.#client.signOut();
    } finally {
      this.#forget();
    }
  }

  /** @param {import("./client.js").Tag} tag @returns {Promise<any>} the answer, with where to go */
  async scan(tag) {
    const answer = await this.#client.scan({ device_id: this.#memory.deviceId, ...tag });
    if (!this.isSignedIn || !answer.journey) this.#memory.keepScan(answer);
    if (answer.journey) this.#take(answer.journey);
    return answer;
  }

  /** What the server says now. */
  async refresh() {
    await this.#during(async () => this.#take(await this.#client.currentState()));
  }

  /**
   * One action. Nothing changes here before the server has said so; a failed one leaves everything as it was.
   * @param {string} type @param {Record<string, any>} [payload] @returns {Promise<void>} rejects with a WelnoError
   */
  async performAction(type, payload) {
    if (this.#state === "offline" || globalThis.navigator?.onLine === false) throw offlineError();
    await this.#during(async () => {
      const expected = this.journeyState ?? undefined;
      this.#take(await this.#actions.perform({ type, payload, expected }));
    });
  }

  /** "I have seen it": the desk learns that the phone answered. Told again later where it could not be told now.
   * @param {import("./snapshot.js").Call} call */
  async confirmCall(call) {
    const key = callKey(call);
    this.#otherTabs?.postMessage(key);
    this.#noteSeen(key);
    this.#unsent.set(key, call);
    await this.#sendSeen();
  }

  /** Tries to connect at once. */
  retryNow() {
    this.#stream?.retryNow();
  }

  /** Leaves the page; the login stays. */
  close() {
    this.#isClosed = true;
    this.#cancelRetry();
    this.#stream?.close();
    for (const stream of this.#queues.values()) stream.close();
    this.#queues.clear();
    this.#stream = null;
    this.#otherTabs?.close();
  }

  /** @param {any} snapshot */
  async #follow(snapshot) {
    this.#sockets ??= (await this.#client.definitions()).sockets;
    await this.#noteCallsSeenElsewhere(snapshot);
    this.#take(snapshot);
    this.#stream?.close();
    this.#stream = connect(patientStream(this.#client, this.#sockets), {
      after: this.#place.seq,
      epoch: this.#place.epoch,
      onEvent: (event) => this.#takeEvent(event),
      onStatus: (status) => status && this.#take(status),
      onFrame: (frame) => this.#actions.receive(frame),
      onState: (state, reason) => this.#connectionChanged(state, reason),
    });
    this.#keep(); // not before: only what is followed is kept as of now
    this.#followQueues();
  }

  /** A call that another phone or page has confirmed is not cried out here. @param {any} snapshot */
  async #noteCallsSeenElsewhere(snapshot) {
    const call = openCall(snapshot);
    if (!call || this.#memory.isSeen(callKey(call))) return;
    const told = await this.#client.notifications().catch(() => []);
    const newest = told.find((one) => one.queue_id === call.queue_id && isCallNotice(one));
    if (newest?.read_at) this.#memory.keepSeen(callKey(call));
  }

  /** @param {any} event */
  #takeEvent(event) {
    const at = { seq: event.seq, epoch: event.epoch };
    if (event.type === "state_update") this.#take(event.payload, at);
    else if (event.type === "patient_called") this.#takeCall(event.data);
    else if (event.type === "call_withdrawn") this.#tell("withdrawn", event.data);
  }

  /** @param {any} call */
  #takeCall(call) {
    this.#snapshot = mergeCall(this.#snapshot, call);
    this.#announceCall();
    this.#changed();
  }

  /** What is older than what is shown is passed over. @param {any} snapshot
   * @param {import("../core/ordering.js").Cursor} [at] */
  #take(snapshot, at = { seq: snapshot.last_seq ?? 0, epoch: snapshot.epoch ?? null }) {
    if (!isCurrent(this.#place, at)) return;
    if (at.epoch !== null) this.#place = at;
    this.#snapshot = mergeSnapshot(this.#snapshot, snapshot);
    this.#heardAt = this.#now();
    this.#announceCall();
    this.#followQueues();
    this.#changed();
  }

  #announceCall() {
    const call = this.unseenCall;
    if (!call || this.#announced.has(callKey(call))) return;
    this.#announced.add(callKey(call));
    this.#tell("called", call);
  }

  /** Each entry that waits has a stream of its own for as long as it waits. */
  #followQueues() {
    if (!this.#stream || !this.#sockets) return;
    const wanted = waitingEntries(this.#snapshot);
    for (const [id, stream] of this.#queues) {
      if (wanted.includes(id)) continue;
      stream.close();
      this.#queues.delete(id);
    }
    for (const id of wanted) if (!this.#queues.has(id)) this.#queues.set(id, this.#followQueue(id));
  }

  /** @param {string} id */
  #followQueue(id) {
    const take = (/** @type {any} */ update) => update && this.#takeQueueUpdate(update);
    return connect(queueStream(this.#client, this.#sockets, id), {
      onEvent: (event) => event.type === "queue.update" && take(event.data),
      onStatus: take,
    });
  }

  /** @param {any} update */
  #takeQueueUpdate(update) {
    this.#snapshot = mergeQueueUpdate(this.#snapshot, update);
    this.#tell("queue", update);
    this.#changed();
  }

  /** @param {StreamState} state @param {string|null} reason */
  #connectionChanged(state, reason) {
    const wasConnected = this.isConnected;
    if (wasConnected) this.#heardAt = this.#now();
    this.#state = state;
    if (!this.isConnected) this.#actions.loseSocket();
    if (this.isConnected && !wasConnected) this.#sendSeen();
    this.#tell("connection", { state, reason });
    if (state === "closed" && reason === "unauthenticated") this.#forget();
    else this.#changed();
  }

  /** @param {string} key */
  #noteSeen(key) {
    if (!this.#memory.isSeen(key)) this.#memory.keepSeen(key);
    this.#changed();
  }

  async #sendSeen() {
    if (this.#unsent.size === 0) return;
    const calls = [...this.#unsent];
    try {
      const told = await this.#client.notifications();
      for (const [key, call] of calls) {
        for (const { id, read_at } of noticesOf(call, told)) if (!read_at) await this.#client.readNotification(id);
        this.#unsent.delete(key);
      }
    } catch (/** @type {any} */ error) {
      if (error.status === undefined) throw error;
    }
  }

  /** @returns {boolean} whether anything of today is there to show */
  #recall() {
    const kept = this.#memory.snapshot;
    if (!kept) return false;
    this.#snapshot = kept.snapshot;
    this.#heardAt = kept.at;
    this.#connectionChanged("offline", null);
    this.#heardAt = kept.at;
    return true;
  }

  #retryWhenBack() {
    this.#cancelRetry();
    globalThis.addEventListener?.("online", this.#again);
    this.#retryTimer = setTimeout(this.#again, RETRY_MILLISECONDS);
  }

  #cancelRetry() {
    globalThis.removeEventListener?.("online", this.#again);
    clearTimeout(this.#retryTimer);
  }

  /** @template T @param {() => Promise<T>} work @returns {Promise<T>} */
  async #during(work) {
    this.#loading += 1;
    this.#changed();
    try {
      return await work();
    } finally {
      this.#loading -= 1;
      this.#changed();
    }
  }

  #forget() {
    this.#cancelRetry();
    this.#stream?.close();
    for (const stream of this.#queues.values()) stream.close();
    this.#queues.clear();
    this.#stream = null;
    this.#snapshot = {};
    this.#place = { seq: 0, epoch: null };
    this.#heardAt = null;
    this.#announced.clear();
    this.#memory.forget();
    this.#tell("signedOut");
  }

  #changed() {
    this.#keep();
    this.#tell("change");
  }

  #keep() {
    if (this.#stream && this.journeyState) this.#memory.keepSnapshot(this.#snapshot);
  }

  /** @param {Topic} topic @param {any} [detail] */
  #tell(topic, detail) {
    this.#topics.dispatchEvent(new CustomEvent(topic, { detail }));
  }

  /** @param {Topic} topic @param {(detail: any) => void} act */
  #on(topic, act) {
    const listen = (/** @type {any} */ event) => act(event.detail);
    this.#topics.addEventListener(topic, listen);
    return () => this.#topics.removeEventListener(topic, listen);
  }
}

/** Up to this call: a later repetition, which nobody has seen, stays unread. @param {import("./snapshot.js").Call} call
 * @param {any[]} told the newest first */
function noticesOf(call, told) {
  const calledAt = Date.parse(call.called_at);
  const ofEntry = told.filter((one) => one.queue_id === call.queue_id && isCallNotice(one)).reverse();
  const earlier = ofEntry.filter((one) => Date.parse(one.created_at) < calledAt);
  return ofEntry.slice(0, earlier.length + (call.call_count ?? 1));
}

/** @param {any} notification */
function isCallNotice({ kind }) {
  return kind === "patient_called" || kind === "call_repeated";
}

function offlineError() {
  const message = "지금은 인터넷이 끊겨 있어요. 연결되면 다시 눌러 주세요.";
  return new WelnoError({ code: "OFFLINE", status: 0, message });
}

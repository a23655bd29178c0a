/**
 * One thread that is open: its messages, who is in it and how far everybody has read, and what is sent to it.
 * @module
 */

import { isConnected } from "../../sdk/core/stream.js";
import { Timers } from "../../sdk/core/timers.js";
import { BLOB_MAX_BYTES } from "../../sdk/threads/blob_message.js";
import { PLAINTEXT_MAX_BYTES } from "../../sdk/threads/envelopes.js";
import { ThreadReceiver } from "../../sdk/threads/receiver.js";
import { ResendAsking } from "../../sdk/threads/resend.js";
import { showConnection } from "../kit/connection.js";
import { find, setText, show, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { PICTURES } from "../kit/pictures.js";
import { showToast } from "../kit/toast.js";
import { BlobView } from "./blob_view.js";
import { showKeys } from "./keys_view.js";
import { LinkMaterial } from "./link_material.js";
import { Messages } from "./messages.js";
import { showService } from "./service_part.js";
import { isPerson, nameMember, nameRole, REGISTER_ANEW, RESTORED, troubleOf } from "./words.js";

const FACTS_MILLISECONDS = 1_000;
const OTHERS_MILLISECONDS = 10_000; // how far others have read, no item tells
/** How many messages of before are shown at first, and with each wish for more. */
export const HISTORY_ITEMS = 200;

/** @typedef {import("../../sdk/threads/session.js").ThreadsSession} ThreadsSession */

export class ThreadView {
  #threadId;
  #parts;
  #keys;
  #blobs;
  #material = new LinkMaterial();
  #messages;
  #receiver;
  #timers = new Timers();
  #asking;
  #areFactsDue = false;
  #isClosed = false;

  /** @param {string} threadId @param {{session: ThreadsSession, client: import("../../sdk/threads/client.js").ThreadsClient,
   *   crypto: import("../../sdk/threads/worker_link.js").WorkerLink,
   *   sender: import("../../sdk/threads/sender.js").ThreadSender, onItem: () => void, onRead: () => void,
   *   onRegisterAnew: () => void, members: import("./members_view.js").MembersView,
   *   links: import("./link_part.js").LinkPart}} parts @param {number} [historyItems] */
  constructor(threadId, parts, historyItems = HISTORY_ITEMS) {
    const { session, client, crypto } = parts;
    this.#threadId = threadId;
    this.#parts = parts;
    this.#keys = session.keysOf(threadId);
    this.#blobs = new BlobView(threadId, { client, crypto });
    this.#messages = new Messages(session.memberId, this.#blobs, {
      onRecord: (told, from) => this.#material.addRecord(told, from),
      now: () => client.now(),
    });
    this.#asking = new ResendAsking({
      lacks: (gap) => this.#receiver.lacks(gap),
      isAsked: (gap) => this.#receiver.isAsked(gap),
      noteAsked: (gap) => this.#receiver.noteAsked(gap),
      ask: (gap) => this.#askFor(gap),
      later: (name, milliseconds, act) => this.#timers.setIfSooner(name, milliseconds, act),
    });
    this.#receiver = new ThreadReceiver(threadId, {
      client,
      crypto,
      database: session.database,
      memberId: session.memberId,
      keys: this.#keys,
      historyItems,
      onItem: (delivered) => {
        this.#messages.add(delivered);
        this.#material.add(delivered);
        this.#factsChanged();
        parts.onItem();
      },
      onError: ({ seq }, code) => this.#messages.addDisbelieved(seq, code),
      onSenderGap: (gap) => this.#noteSenderGap(gap),
      onResend: (wanted) => {
        void this.#asking.noteAsked(wanted);
        void parts.sender.answerResend(threadId, wanted);
      },
      onRequeued: () => void parts.sender.flush({ isEarly: true }),
      onGap: (gap) => this.#messages.addGap(gap),
      onAcked: () => {
        this.#factsChanged();
        parts.onRead();
      },
      onKeys: () => void this.#showKeys(),
      onState: (state) => this.#noteState(state),
    });
  }

  /** Who only reads cannot ask, and this device has its own. @param {import("../../sdk/threads/senders.js").SenderGap} gap */
  #noteSenderGap(gap) {
    setText(find("gap"), `아직 오지 않은 메시지가 있어요. (보낸 기기의 ${gap.from}~${gap.to}번째)`);
    const isReader = this.#keys.known?.status.role === "reader";
    if (!isReader && gap.clientId !== this.#parts.session.device.deviceId) this.#asking.note(gap);
  }

  /** Where the stream is connected the server is there, whatever the last push met. @param {import("../../sdk/core/stream.js").StreamState} state */
  #noteState(state) {
    showConnection(state);
    if (isConnected(state)) void this.#parts.sender.flush({ isEarly: true });
  }

  /** @param {import("../../sdk/threads/senders.js").SenderGap} gap */
  async #askFor(gap) {
    try {
      await this.#parts.sender.requestResend(this.#threadId, gap);
      return true;
    } catch (/** @type {any} */ error) {
      if (error.name !== "DisbelievedError") throw error;
      return false; // without a key nobody can be asked from here now
    }
  }

  get threadId() {
    return this.#threadId;
  }

  get keys() {
    return this.#keys;
  }

  /** What is here is shown without a network, too. */
  async open() {
    setText(find("gap"), "");
    this.#parts.members.open(this.#threadId, this.#keys);
    const send = (/** @type {string} */ data, /** @type {string} */ contentType) => this.send(data, contentType);
    this.#parts.links.open({ threadId: this.#threadId, material: this.#material, send });
    find("thread-title").textContent = `대화방 ${this.#threadId.slice(0, 6)}`;
    find("thread-facts").textContent = "";
    show(find("earlier"), false);
    show(find("service-part"), false);
    for (const id of ["thread-failed", "send-failed", "service-failed"]) showError(find(id), null);
    find("thread-title").focus();
    await this.#readKeys();
    if (this.#isClosed) return;
    await this.#receiver.start();
    void this.#messages.whenShown().then(() => this.#material.noteComplete());
    show(find("earlier"), this.#receiver.hasEarlier);
  }

  close() {
    this.#isClosed = true;
    this.#timers.close();
    this.#receiver.close();
    this.#blobs.close();
  }

  /** The network is back. */
  async retryNow() {
    this.#receiver.retryNow();
    await this.#receiver.retryQuarantined({ areKeysRead: await this.#readKeys() });
  }

  /** @param {Uint8Array<ArrayBuffer>|string} data @param {string} contentType */
  async send(data, contentType) {
    showError(find("send-failed"), null);
    try {
      await this.#sendOnceKeyed(() => this.#parts.sender.send(this.#threadId, data, { contentType }));
      return true;
    } catch (/** @type {any} */ error) {
      this.#tell("send-failed", troubleOf(error));
      return false;
    }
  }

  /** Who has just made or opened the thread may write before its key is there. @param {() => Promise<unknown>} send */
  async #sendOnceKeyed(send) {
    try {
      await send();
    } catch (/** @type {any} */ error) {
      if (error.code !== "UNKNOWN_KEY") throw error;
      await this.#readKeys();
      await send();
    }
  }

  /** @returns {Promise<boolean>} whether they could be read */
  async #readKeys() {
    try {
      await this.#keys.ensure();
      await this.#showKeys();
      return true;
    } catch (/** @type {any} */ error) {
      if (error.status !== 0 && error.status !== 401) this.#tell("thread-failed", troubleOf(error));
      return false;
    }
  }

  /** Beside another thread it would be said of that one. @param {string} place
   * @param {import("../kit/error.js").Trouble} trouble */
  #tell(place, trouble) {
    if (this.#isClosed) showToast("error", trouble.text, trouble.reference);
    else showError(find(place), trouble);
  }

  async #showKeys() {
    const { known } = this.#keys;
    if (!known) return;
    const { session, crypto, onRegisterAnew } = this.#parts;
    const fingerprints = await crypto.fingerprints(known.devices);
    if (this.#isClosed) return;
    showKeys(known, session, fingerprints);
    if (known.isRestored) this.#tell("thread-failed", { text: RESTORED, next: { label: REGISTER_ANEW, act: onRegisterAnew } });
    this.#showFacts(known.status);
  }

  /** Many items are one question. */
  #factsChanged() {
    if (this.#areFactsDue) return;
    this.#areFactsDue = true;
    this.#timers.set("facts", FACTS_MILLISECONDS, () => void this.#readFacts());
  }

  async #readFacts() {
    this.#areFactsDue = false;
    this.#timers.set("facts", OTHERS_MILLISECONDS, () => void this.#readFacts());
    try {
      const status = await this.#parts.client.status(this.#threadId);
      if (this.#isClosed) return;
      this.#showFacts(status);
      if (status.gaps.length === 0) setText(find("gap"), "");
    } catch (/** @type {any} */ error) {
      if (error.status === undefined) throw error; // without a network the facts stay as they are
    }
  }

  /** @param {any} status */
  #showFacts(status) {
    const { members, acks, lastSeq } = status;
    this.#parts.members.show(status);
    this.#parts.links.show(status.role);
    const read = new Map(acks.map((/** @type {any} */ one) => [one.memberId, one.ackedSeq]));
    const { memberId: own } = this.#parts.session;
    showService(status, own);
    const facts = members.map(
      (/** @type {any} */ { memberId, role: theirs }) =>
        `${nameMember(memberId, own)}(${nameRole(theirs)})${isPerson(memberId) ? ` ${read.get(memberId) ?? 0}/${lastSeq}쪽 읽음` : ""}`,
    );
    find("thread-facts").textContent = facts.join(" · ");
  }
}

/** The form that sends to whichever thread is open. @param {() => ThreadView|null} current
 * @param {import("./uploads.js").Uploads} uploads */
export function watchSendForm(current, uploads) {
  const text = find("text");
  const send = async () => {
    const typed = text.value.trim();
    const isKept = typed !== "" && (await current()?.send(typed, "text/plain"));
    if (isKept && text.value.trim() === typed) text.value = ""; // not what was written meanwhile, here or in another thread
  };
  find("send-form").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    void whileBusy(find("send"), send);
  });
  find("picture").addEventListener("change", (/** @type {any} */ { target }) => void sendFile(target, current(), uploads));
}

/** A small picture goes in its envelope, all else in parts. @param {HTMLInputElement} input @param {ThreadView|null} view
 * @param {import("./uploads.js").Uploads} uploads */
async function sendFile(input, view, uploads) {
  const [file] = input.files ?? [];
  if (!file || !view) return;
  setText(find("picture-error"), file.size <= BLOB_MAX_BYTES ? "" : "파일이 너무 커요. 20MB까지 보낼 수 있어요.");
  const isSmall = file.size <= PLAINTEXT_MAX_BYTES && PICTURES.has(file.type);
  if (isSmall) await view.send(new Uint8Array(await file.arrayBuffer()), file.type);
  else if (file.size <= BLOB_MAX_BYTES) uploads.begin(view.threadId, file);
  input.value = "";
}

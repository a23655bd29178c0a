/**
 * The threads that one is in, with what is new in each: asked for again and again, and kept for when there is no network.
 * @module
 */

import { settled } from "../../sdk/core/storage.js";
import { Timers } from "../../sdk/core/timers.js";
import { make } from "../kit/dom.js";
import { List } from "../kit/list.js";
import { troubleOf } from "./words.js";

const KNOWN_THREADS = "threads";
const LIST_MILLISECONDS = 15_000; // a thread that somebody made with me appears without a reload
const PENDING_MILLISECONDS = 5_000; // somebody sits before both screens
const READ_MILLISECONDS = 1_000;

/**
 * @typedef {object} ListParts
 * @property {import("../../sdk/threads/session.js").ThreadsSession} session
 * @property {Pick<import("../../sdk/threads/client.js").ThreadsClient, "me"|"threads">} client
 * @property {(devices: any[], threads: any[]) => Promise<void>} onTold one's own devices and threads, before they are shown
 * @property {() => void} onOther somebody else is signed in
 * @property {() => void} onSignedOut nobody is
 */

export class ThreadList {
  #parts;
  #list = new List("list");
  #links = /** @type {Map<string, HTMLElement>} */ (new Map());
  #openId = "";
  #timers = new Timers();
  #turn = 0;

  /** @param {ListParts} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /** As the server tells it, or as it was told last. */
  async refresh() {
    const { session, client, onTold, onOther, onSignedOut } = this.#parts;
    this.#refreshLater(session.state === "pending" ? PENDING_MILLISECONDS : LIST_MILLISECONDS);
    this.#list.showLoading();
    const turn = ++this.#turn;
    try {
      const [{ memberId, devices }, threads] = await Promise.all([client.me(), client.threads()]);
      if (turn !== this.#turn) return; // asked for once more meanwhile: what that tells is newer
      // The cookie is the browser's: somebody else may have signed in with it meanwhile.
      if (memberId !== session.memberId) return onOther();
      await onTold(devices, threads);
      await session.database.write(["meta"], ({ meta }) => settled(meta.put(threads, KNOWN_THREADS)));
      this.#show(threads);
    } catch (/** @type {any} */ error) {
      if (error.status === undefined) throw error;
      if (turn !== this.#turn) return;
      if (error.status === 401) onSignedOut();
      this.#show((await session.database.read(["meta"], ({ meta }) => settled(meta.get(KNOWN_THREADS)))) ?? []);
      if (error.status !== 0 && error.status !== 401) this.#list.showError({ ...troubleOf(error), next: { act: () => void this.refresh() } });
    }
  }

  /** Something was read: with what follows at once it is one question. */
  refreshSoon() {
    this.#refreshLater(READ_MILLISECONDS);
  }

  /** @param {string} threadId the one that is open; empty: none */
  mark(threadId) {
    this.#openId = threadId;
    for (const [id, link] of this.#links) {
      if (id === threadId) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  close() {
    this.#timers.close();
  }

  /** @param {number} milliseconds */
  #refreshLater(milliseconds) {
    this.#timers.setIfSooner("list", milliseconds, () => void this.refresh());
  }

  /** @param {any[]} threads */
  #show(threads) {
    this.#links = new Map(threads.map((one) => [one.threadId, makeLink(one)]));
    this.#list.showRows([...this.#links.values()].map((link) => make("li", {}, link)));
    this.mark(this.#openId);
  }
}

/** @param {any} thread */
function makeLink({ threadId, lastSeq, ackedSeq }) {
  const news = lastSeq - ackedSeq;
  const facts = make("span", { class: "hint" }, news > 0 ? `새 소식 ${news}개` : "모두 읽음");
  return make("a", { class: "button row-title", href: `#${threadId}`, id: `open-${threadId}` }, `대화방 ${threadId.slice(0, 6)}`, facts);
}

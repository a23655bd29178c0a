/**
 * What both result pages share: whose records, the running session, the lock, the copy for when there is no connection.
 * @module
 */

import { WelnoClient } from "../../sdk/collection/client.js";
import { HealthDatabase } from "../../sdk/collection/database.js";
import { KEYS, WelnoStorage } from "../../sdk/collection/storage.js";
import { WelnoError } from "../../sdk/core/errors.js";
import { StoreError } from "../../sdk/core/storage.js";
import { find, setText, show } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { showToast } from "../kit/toast.js";
import { troubleOf } from "./errors.js";
import { watchLeaving } from "./leaving.js";
import { missingNotice } from "./missing_report.js";
import { tellOpenings } from "./openings.js";
import { PasswordOffer } from "./password_offer.js";

const CLOSED_TO_US = new Set([401, 403, 404]);

export class ResultsPage {
  storage = new WelnoStorage();
  client = new WelnoClient({ storage: this.storage });
  database = new HealthDatabase({ client: this.client });
  #query = new URLSearchParams(location.search);
  #live = false;
  #over = false;
  #shown = /** @type {string|null} */ (null);
  #turn = 0;
  #hasFailed = false;
  #offer = new PasswordOffer({
    storage: this.storage,
    uuid: () => this.uuid,
    ask: (isChange) => this.#askForPassword(isChange),
  });
  #load;
  #draw;
  #fallBack;

  /**
   * @param {{load: (page: ResultsPage) => Promise<any>, draw: (data: any, page: ResultsPage) => void,
   *   fallBack?: (page: ResultsPage) => Promise<any>}} parts `fallBack` answers null where nothing was kept
   */
  constructor({ load, draw, fallBack = async () => null }) {
    this.#load = load;
    this.#draw = draw;
    this.#fallBack = fallBack;
  }

  get uuid() {
    return this.#query.get("uuid") || this.storage.read(KEYS.patientUuid);
  }
  get sessionId() {
    return this.#query.get("sessionId") || this.storage.read(KEYS.sessionId);
  }
  /** Why there is no report for who came for one: of the running session, else as the page that led here was told. */
  get missingReport() {
    return this.collection?.flow.missingReport ?? this.#query.get("report");
  }
  /** A running session may still bring what is missing now. */
  get live() {
    return this.#live;
  }

  async open() {
    this.#keepQueryInLinks();
    const { client, storage, database } = this;
    watchLeaving({ client, storage, database, uuid: () => this.#shown, stop: () => this.collection?.stop() });
    this.notify(missingNotice(this.missingReport));
    if (this.sessionId) await this.#follow();
    if (this.#turn === 0) await this.refresh();
  }

  /** Loads and draws; only the newest of several runs draws. */
  async refresh() {
    if (!this.uuid) {
      if (!this.#live) this.#showNothing();
      return;
    }
    if (this.#live && !this.collection?.mayOpenRecords) {
      this.#tellComing();
      return;
    }
    const turn = ++this.#turn;
    try {
      const data = await this.#load(this);
      if (turn !== this.#turn) return;
      this.#show(data);
      if (this.#hasFailed) this.notify("");
      this.#hasFailed = false;
    } catch (error) {
      if (turn === this.#turn) await this.#cannotLoad(error);
    }
  }

  async #cannotLoad(error) {
    if (CLOSED_TO_US.has(error.status)) {
      if (this.#live) {
        this.#tellComing();
        return;
      }
      await this.#unlock(this.uuid);
      return;
    }
    this.#hasFailed = true;
    const trouble = troubleOf(error, () => this.refresh());
    const kept = await this.#fallBack(this).catch(noCopy);
    if (kept) this.#show(kept);
    else this.lead("");
    if (kept) trouble.text = "연결할 수 없어서 이 기기에 보관한 기록을 보여드려요.";
    showError(find("results-notice"), trouble);
  }

  /** What was shown before the session ended is shown to nobody else. @param {string} uuid */
  async #unlock(uuid) {
    this.lead("");
    for (const id of ["content", "after", "openings"]) show(find(id), false);
    const { unlock } = await import("./unlock.js");
    await unlock(this.client, uuid);
    this.storage.write(KEYS.patientUuid, uuid);
    await this.refresh();
  }

  #show(data) {
    const isFirst = this.#shown === null;
    this.#shown = this.uuid;
    if (isFirst && this.#shown) void this.#tellAccess(this.#shown);
    show(find("locked"), false);
    show(find("nothing"), false);
    show(find("content"));
    show(find("after"), !this.#live);
    this.#draw(data, this);
  }

  /** Who else opened the records, and whether a password does. @param {string} uuid */
  async #tellAccess(uuid) {
    try {
      const access = await this.client.sessions(uuid);
      tellOpenings(access, this.storage);
      this.#offer.know(access.has_password);
    } catch (error) {
      if (!(error instanceof WelnoError)) throw error; // the page's own calls tell what is wrong
    }
  }

  #tellComing() {
    this.lead("기록을 저장하고 있어요. 끝나면 바로 보여드릴게요.");
  }

  #showNothing() {
    this.lead("");
    show(find("nothing"));
  }

  /** @param {boolean} hasRecords */
  offerPassword(hasRecords) {
    this.#offer.offer(hasRecords && !this.#live);
  }

  lead(text) {
    setText(find("results-lead"), text);
  }

  /** @param {string} text @param {string|null} [reference] */
  notify(text, reference = null) {
    showError(find("results-notice"), { text, reference });
  }

  async #follow() {
    this.#live = true;
    // Who comes for what is there needs nothing of how it is collected, which is more than half of the page's code.
    const { followCollection } = await import("./live.js");
    const { client, storage, database, sessionId } = this;
    const collection = followCollection({
      parts: { sessionId, client, storage, database, redirectPath: this.#redirectPath() },
      perform: (action) => this.#perform(action),
      isLive: () => this.#live,
      isOver: () => this.#over,
    });
    this.collection = collection;
    try {
      await collection.start();
    } catch (error) {
      // An old link names a session that is long over: the records have their own lock.
      if (error.status === undefined) throw error;
      this.#settle();
    }
  }

  /** Opened by a link, in a browser that keeps nothing: the page's own path is what the person came for. */
  #redirectPath() {
    return this.storage.read(KEYS.redirectPath) ?? location.pathname;
  }

  #settle() {
    this.#live = false;
    this.#over = true;
    show(find("live"), false);
  }

  #perform(action) {
    switch (action.do) {
      case "toast":
        return showToast(action.level, action.text, action.level === "error" ? this.collection?.sessionId : null);
      case "navigate":
        return location.assign(action.to);
      case "refresh":
        if (this.collection?.flow.status === "completed") {
          this.#settle();
          this.notify(missingNotice(this.missingReport));
        }
        return void this.refresh();
      case "restart":
      case "correct":
      case "declined":
      case "requestOver":
        this.#settle();
        if (action.text && action.reason !== "gone") this.notify(action.text, action.reason === "failed" ? this.collection?.sessionId : null);
        return void this.refresh();
      default: // also the `dialog`: the password is offered beside the results
        return undefined;
    }
  }

  /** @param {boolean} isChange @returns {Promise<boolean>} whether one was set */
  async #askForPassword(isChange) {
    const { askForPassword } = await import("./password.js");
    return askForPassword(this.client, /** @type {string} */ (this.uuid), { isChange });
  }

  #keepQueryInLinks() {
    for (const link of document.querySelectorAll("[data-keep-query]")) link.search = location.search;
  }
}

/** A store that cannot be used holds no copy, and a key that cannot be had opens none. @param {any} error */
function noCopy(error) {
  if (!(error instanceof StoreError) && !(error instanceof WelnoError)) throw error;
  return null;
}

/**
 * `/threads`: signing in, one's own id, the threads that one is in, and one of them.
 * @module
 */

import { within } from "../../sdk/core/storage.js";
import { KeptUploads } from "../../sdk/threads/kept_uploads.js";
import { KeyRotation } from "../../sdk/threads/key_rotation.js";
import { OwnDevices } from "../../sdk/threads/own_devices.js";
import { ThreadSender } from "../../sdk/threads/sender.js";
import { openThreads } from "../../sdk/threads/session.js";
import { WorkerLink } from "../../sdk/threads/worker_link.js";
import { askToConfirm } from "../kit/dialog.js";
import { find, show, tellStarted, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { Field } from "../kit/field.js";
import { makeQrDetails } from "../kit/qr.js";
import { showToast } from "../kit/toast.js";
import { SHOW_QR } from "../share/words.js";
import { ThreadsApi } from "./api.js";
import { askForSync, keepStore, registerWorker } from "./background.js";
import { DevicesView } from "./devices_view.js";
import { LinkPart } from "./link_part.js";
import { faultOfMember } from "./member_id.js";
import { MembersView } from "./members_view.js";
import { OutboxView } from "./outbox_view.js";
import { chosenService, watchService } from "./service_part.js";
import { endLogin } from "./sign_out.js";
import { TabOnly } from "./tab_only.js";
import { ThreadList } from "./thread_list.js";
import { HISTORY_ITEMS, ThreadView, watchSendForm } from "./thread_view.js";
import { Uploads } from "./uploads.js";
import { DEVICE_GONE, explainCode, LOGIN_OVER, LOGIN_OVER_HERE, SIGN_OUT_AGAIN, signOutQuestion, troubleOf } from "./words.js";

const api = new ThreadsApi(() => void leaveForGood());
let page = /** @type {ThreadsPage|null} */ (null);

/** @typedef {import("../../sdk/threads/session.js").ThreadsSession} ThreadsSession */

class ThreadsPage {
  #session;
  #crypto;
  #list;
  #view = /** @type {ThreadView|null} */ (null);
  #sender;
  #outbox;
  #uploads;
  #devices;
  #members;
  #links;
  #rotation;
  #tabOnly = /** @type {TabOnly|null} */ (null);
  #isSignedOut = false;
  #historyItems = HISTORY_ITEMS;
  #requestId = /** @type {ReturnType<Crypto["randomUUID"]>|null} */ (null);
  #isWarned = false;

  /** @param {ThreadsSession} session @param {WorkerLink} crypto */
  constructor(session, crypto) {
    this.#session = session;
    this.#crypto = crypto;
    this.#sender = new ThreadSender({
      client: api.client,
      crypto,
      database: session.database,
      renewKey: async (threadId) => (await session.keysOf(threadId).ensure()).kid,
      onQueued: () => void this.#noteQueued(),
      onFailed: (error) => this.#noteFailed(error),
      onRejected: (_, code) => showToast("error", explainCode(code)),
      onChange: () => this.#outbox.changed(),
    });
    const own = { ...session.device, state: "active" };
    const read = (/** @type {import("../../sdk/threads/texts.js").Envelope} */ envelope) =>
      crypto.openItem({ threadId: envelope.threadId, from: session.memberId, envelope }, [own]);
    this.#outbox = new OutboxView(this.#sender, read);
    this.#uploads = new Uploads({
      client: api.client,
      crypto,
      sender: this.#sender,
      kept: new KeptUploads(session.database),
      isRevoked: () => session.state === "revoked",
      ensureKeys: (threadId) => session.keysOf(threadId).ensure(),
      onKept: () => void keepStore(),
    });
    const devices = new OwnDevices({ session, client: api.client, crypto });
    const countWaiting = async () => (await this.#sender.outbox.count()) + this.#uploads.count;
    this.#devices = new DevicesView({ session, devices, crypto, countWaiting, onChanged: () => this.#comeBack() });
    this.#members = new MembersView({ memberId: session.memberId, client: api.client, onLeft: (threadId) => this.#leaveThread(threadId) });
    this.#links = new LinkPart({ memberId: session.memberId, links: api.links, records: api.records, client: api.client, crypto });
    this.#rotation = new KeyRotation(session.keysOf);
    if (session.isTabOnly) {
      const database = /** @type {import("../../sdk/threads/tab_database.js").TabDatabase} */ (session.database);
      const own = { database, deviceId: session.device.deviceId, client: api.client };
      this.#tabOnly = new TabOnly({ ...own, countFiles: () => this.#uploads.count });
    }
    this.#list = new ThreadList({
      session,
      client: api.client,
      onTold: (told, threads) => this.#noteTold(told, threads),
      onOther: leave,
      onSignedOut: () => this.#noteSignedOut(),
    });
  }

  async start() {
    this.#watch();
    find("member-id").textContent = this.#session.memberId;
    const qr = { library: find("threads").dataset.qrLibrary, text: this.#session.memberId, label: "내 아이디의 QR" };
    find("member-qr").replaceChildren(makeQrDetails(SHOW_QR, qr, { class: "more-part" }));
    show(find("threads"));
    show(find("sign-out"));
    this.#tabOnly?.start();
    this.#sender.start();
    this.#outbox.changed();
    void this.#uploads.resume();
    await this.#list.refresh();
    addEventListener("hashchange", () => void this.#go());
    await this.#go();
  }

  /** Whether another device has approved this one meanwhile, with which comes its push pass, or revoked it.
   * @param {any[]} devices one's own, as they are told now */
  async #noteState(devices) {
    const told = devices.find(({ deviceId }) => deviceId === this.#session.device.deviceId)?.state;
    if (told === this.#session.state) return;
    this.#session.state = await this.#session.register();
    if (this.#session.state === "active") await this.#view?.retryNow();
  }

  #watch() {
    watchSendForm(() => this.#view, this.#uploads);
    watchService(api.client, () => this.#view);
    this.#devices.watch();
    this.#members.watch();
    find("sign-out").addEventListener("click", () => void whileBusy(find("sign-out"), () => this.#signOut()));
    find("earlier").addEventListener("click", () => void whileBusy(find("earlier"), () => this.#showEarlier()));
    find("copy-id").addEventListener("click", () => void this.#copyId());
    find("network").addEventListener("change", (/** @type {any} */ { target }) => void this.#switchNetwork(target.checked));
    addEventListener("online", () => void this.#comeBack());
    const faultOfOther = () => faultOfMember(other.value.trim(), this.#session.memberId);
    const other = new Field("other", { check: () => faultOfOther() });
    for (const id of ["other", "with-service"]) find(id).addEventListener("input", () => (this.#requestId = null));
    find("new-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      const fault = faultOfOther();
      other.setFault(fault);
      if (fault) other.focus();
      else void whileBusy(find("new-button"), () => this.#create(other));
    });
  }

  /** @param {Field} other */
  async #create(other) {
    showError(find("new-failed"), null);
    try {
      const members = [{ memberId: other.value.trim(), role: "writer" }, ...chosenService()];
      this.#requestId ??= crypto.randomUUID(); // the same until it is answered: else a lost answer would make two threads
      const { threadId } = await api.client.create(this.#requestId, members);
      this.#requestId = null;
      find("new-form").reset();
      await this.#list.refresh();
      location.hash = threadId;
    } catch (/** @type {any} */ error) {
      if (!error.retryable) this.#requestId = null;
      showError(find("new-failed"), troubleOf(error));
    }
  }

  /** @param {any[]} devices one's own @param {any[]} threads */
  async #noteTold(devices, threads) {
    if (this.#isSignedOut) await this.#goOn();
    await this.#noteState(devices);
    await this.#devices.show(devices);
    if (this.#session.state === "active") void this.#rotation.rotateDue(threads);
  }

  /** The thread that the address names, or none: a phone shows the list or a thread, a wider page both. */
  async #go() {
    const threadId = location.hash.slice(1);
    if (threadId === (this.#view?.threadId ?? "")) return;
    this.#historyItems = HISTORY_ITEMS;
    await this.#open(threadId);
  }

  /** @param {string} threadId empty: none */
  async #open(threadId) {
    this.#view?.close();
    this.#view = threadId ? this.#makeView(threadId) : null;
    find("columns").classList.toggle("is-open", threadId !== "");
    show(find("thread-none"), threadId === "");
    show(find("thread"), threadId !== "");
    this.#list.mark(threadId);
    this.#outbox.open(threadId);
    this.#uploads.open(threadId);
    const view = this.#view;
    if (!view) {
      this.#links.close();
      return find("list-title").focus();
    }
    await view.open().catch((error) => view === this.#view && showError(find("thread-failed"), troubleOf(error)));
  }

  /** @param {string} threadId */
  #makeView(threadId) {
    const onRead = () => this.#list.refreshSoon();
    const onRegisterAnew = () => void this.#devices.registerAnew();
    const parts = { session: this.#session, client: api.client, crypto: this.#crypto, sender: this.#sender };
    const onItem = () => this.#outbox.changed();
    return new ThreadView(threadId, { ...parts, onItem, onRead, onRegisterAnew, members: this.#members, links: this.#links }, this.#historyItems);
  }

  /** @param {string} threadId */
  #leaveThread(threadId) {
    void this.#uploads.leaveThread(threadId);
    if (threadId === this.#view?.threadId) location.hash = "";
    void this.#list.refresh();
  }

  async #showEarlier() {
    this.#historyItems += HISTORY_ITEMS;
    if (this.#view) await this.#open(this.#view.threadId);
  }

  async #copyId() {
    try {
      await navigator.clipboard.writeText(this.#session.memberId);
      showToast("success", "아이디를 복사했어요.");
    } catch {
      showToast("warning", "복사하지 못했어요. 아이디를 직접 골라서 복사해 주세요.");
    }
  }

  /** @param {boolean} isOn */
  async #switchNetwork(isOn) {
    api.network.set(isOn);
    if (isOn) await this.#comeBack();
  }

  async #comeBack() {
    this.#uploads.goOn();
    if (this.#view) this.#rotation.leaveOut(this.#view.threadId);
    await Promise.all([this.#sender.flush({ isEarly: true }), this.#view?.retryNow(), this.#list.refresh()]);
  }

  async #noteQueued() {
    if (this.#tabOnly) return; // nothing is kept, and no service worker has what waits
    void keepStore();
    if (api.network.isOn) await askForSync();
  }

  /** @param {any} error */
  #noteFailed({ status }) {
    if (status === 401) this.#noteSignedOut();
    else void this.#warnUnlessKept();
  }

  /** What waits goes by the push pass, which is in a cookie, as does what is still written here. Whoever loads the page
   * anew has to sign in, without a network too. */
  #noteSignedOut() {
    api.forgetMember();
    if (this.#tabOnly) return this.#askToSignInHere();
    const next = { label: "다시 로그인", act: () => location.reload() };
    showError(find("threads-failed"), { text: LOGIN_OVER, next });
    if (api.dropToken()) void this.#sender.flush({ isEarly: true });
  }

  /** The page stays: loaded anew it would have lost its keys. A patient has a page of its own for it. */
  #askToSignInHere() {
    this.#isSignedOut = true;
    const isPatient = this.#session.memberId.startsWith("patient:");
    const next = { label: "새 탭에서 로그인", act: () => void window.open("/sign-in", "_blank", "noopener") };
    showError(find("threads-failed"), { text: LOGIN_OVER_HERE, next: isPatient ? next : null });
    show(find("sign-in"), !isPatient);
  }

  /** They have signed in once more. */
  async #goOn() {
    this.#isSignedOut = false;
    api.remember(this.#session.memberId);
    showError(find("threads-failed"), null);
    show(find("sign-in"), false);
    this.#uploads.goOn();
    void this.#sender.flush({ isEarly: true });
    if (this.#view) await this.#open(this.#view.threadId);
  }

  /** Whoever has signed in here is looked at; this member's page goes on. */
  async refresh() {
    await this.#list.refresh();
  }

  /** Once, and only where something waits. */
  async #warnUnlessKept() {
    if (this.#tabOnly || this.#isWarned || (await keepStore()) || this.#isWarned) return;
    this.#isWarned = true;
    showToast("warning", "이 브라우저는 보내지 않은 메시지를 오래 두지 못할 수 있어요. 네트워크가 이어지면 곧 보내 주세요.");
  }

  /** Messages that wait are kept for the next time: somebody else at this computer finds nothing of them. Files go. */
  async #signOut() {
    const question = signOutQuestion(await this.#sender.outbox.count(), this.#uploads.count, this.#session);
    if (question && !(await askToConfirm(question))) return;
    await endLogin({ ...ENDING, tabOnly: this.#tabOnly });
  }

  /** Files that are being sent, in all tabs. @returns {Promise<void>} rejects with a StoreError */
  forgetUploads() {
    return this.#uploads.forget();
  }

  #closeView() {
    this.#view?.close();
    this.#view = null;
    this.#links.close();
    find("messages").replaceChildren();
    show(find("thread"), false);
  }

  close() {
    this.#tabOnly?.close();
    this.#uploads.close();
    this.#sender.close();
    this.#closeView();
    this.#list.close();
    this.#crypto.close();
  }

  /** For good, with what is under way. */
  leave() {
    this.#crypto.leave();
    this.close();
  }
}

/** Whoever was here is not any more: nothing of theirs stays on the page, nor in the browser's memory of it. */
function leave() {
  forget();
  location.replace("/threads");
}

function forget() {
  page?.leave();
  page = null;
  api.forget();
  for (const form of document.forms) form.reset();
}

/** What was under way as the database was erased fails, and the page is loaded anew: it is no fault of the script. */
function forgiveErased(/** @type {any} */ event) {
  if ((event.reason ?? event.error)?.code === "STORE_ERASED") event.preventDefault();
}

/** Another tab has made a new device of this browser: this page's is no more. */
function loadAnew() {
  page?.leave();
  page = null;
  location.reload();
}

/** They have signed out: the files that a next page would go on sending go, too. A store that does not answer keeps nobody here. */
async function leaveForGood() {
  const gone = page?.forgetUploads();
  forget();
  await within(Promise.resolve(gone)).catch(() => {});
  location.replace("/threads");
}

/** How a login ends, on the page. @type {Omit<import("./sign_out.js").Ending, "tabOnly">} */
const ENDING = {
  signOut: () => api.signOut(),
  onOver: leaveForGood,
  onFailed: (error) => showToast("error", `로그아웃하지 못했어요. ${troubleOf(error).text}`, error.requestId),
  onDeviceGone: (error) => {
    forget();
    for (const id of ["threads", "sign-out"]) show(find(id), false);
    const next = { label: SIGN_OUT_AGAIN, act: () => void endLogin({ ...ENDING, tabOnly: null, onFailed: ENDING.onDeviceGone }) };
    showError(find("threads-failed"), { text: `${DEVICE_GONE} ${troubleOf(error).text}`, reference: error.requestId, next });
  },
};

async function open() {
  showError(find("threads-failed"), null);
  const crypto = new WorkerLink("/threads/crypto_worker.js");
  try {
    const session = await openThreads({ client: api.client, crypto, allowTabOnly: true }, api.remembered);
    api.remember(session.memberId);
    session.database.whenErased(loadAnew);
    show(find("sign-in"), false);
    page = new ThreadsPage(session, crypto);
    await page.start();
  } catch (/** @type {any} */ error) {
    page?.close();
    page = null;
    crypto.close();
    if (error.status === 401) return askToSignIn();
    showError(find("threads-failed"), { ...troubleOf(error), next: { act: () => void open() } });
  }
}

function askToSignIn() {
  api.forget();
  show(find("sign-in"));
}

async function signIn() {
  showError(find("sign-in-failed"), null);
  try {
    await api.signIn(find("login").value.trim(), find("password").value);
    find("password").value = "";
    if (page) await page.refresh();
    else await open();
  } catch (/** @type {any} */ error) {
    showError(find("sign-in-failed"), troubleOf(error));
  }
}

find("sign-in-form").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  void whileBusy(find("sign-in-button"), signIn);
});
// A page that comes back from the browser's memory would show what stood there.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
for (const name of ["error", "unhandledrejection"]) addEventListener(name, forgiveErased);
registerWorker().catch(() => {}); // without it the page itself sends, while it is open
tellStarted();
open();

/**
 * The person's own devices: this one while it waits, those that wait for this one's word, and the printed code.
 * @module
 */

import { askToConfirm, openDialog } from "../kit/dialog.js";
import { find, make, show, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { Field } from "../kit/field.js";
import { makeQrDetails, showQr } from "../kit/qr.js";
import { showToast } from "../kit/toast.js";
import { askForFingerprint } from "./compare.js";
import { CODE_FIRST, explainRecovery, FINGERPRINT_DIFFERS, formatMoment, nameDeviceState, nameDeviceType, troubleOf } from "./words.js";

const NARROW = "(max-width: 59.99rem)"; // as in threads.css: there a thread covers the list
/** @type {Record<string, string>} */
const NOTICES = {
  pending: "새 기기예요. 쓰던 기기의 대화방에서 이 기기를 승인해 주세요.",
  revoked: "이 기기는 사용 중지되었어요.",
};

const COMPARE_BY_EYE = {
  title: "지문이 똑같은가요?",
  text: "새 기기 화면에 보이는 지문과 한 글자씩 견주어 보세요. 다르면 다른 사람의 기기일 수 있으니 승인하지 마세요.",
  yes: "똑같아요, 승인하기",
};
const COMPARED = {
  title: "지문이 똑같아요. 승인할까요?",
  text: "방금 읽은 기기가 지금 내 손에 있는 내 기기일 때만 승인해 주세요. 승인하면 지금까지의 대화를 모두 열 수 있어요.",
  yes: "승인하기",
};

/** @typedef {import("../../sdk/threads/thread_crypto.js").ToldDevice} ToldDevice */
/** @typedef {import("../../sdk/threads/own_devices.js").NewRecovery} NewRecovery */

export class DevicesView {
  #parts;
  #recover = new Field("recover");
  #shown = "";
  #hasOther = false; // of one's own, by which a new one is let in; the printed code too

  /** @param {{session: import("../../sdk/threads/session.js").ThreadsSession,
   *   devices: import("../../sdk/threads/own_devices.js").OwnDevices,
   *   crypto: import("../../sdk/threads/worker_link.js").Crypto, countWaiting: () => Promise<number>,
   *   onChanged: () => Promise<void>}} parts `onChanged`: what this device may open is to be asked for anew */
  constructor(parts) {
    this.#parts = parts;
  }

  /** Once: what the buttons do. */
  watch() {
    const { devices } = this.#parts;
    this.#onClick("reset", async () => (await devices.reset()) === "active");
    this.#onClick("make-recovery", async () => this.#printRecovery(await devices.makeRecovery()));
    find("register-anew").addEventListener("click", () => void this.registerAnew());
    find("recovery-print").addEventListener("click", () => print());
    find("recover-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.#act(find("recover-button"), () => this.#recoverDevice());
    });
  }

  /** With keys and a database of its own: what this browser holds goes. @returns {Promise<void>} */
  registerAnew() {
    return this.#act(find("register-anew"), () => this.#registerAnew());
  }

  /** As they are told now. @param {ToldDevice[]} told one's own */
  async show(told) {
    const { session, crypto } = this.#parts;
    const devices = told.filter(({ state }) => state !== "revoked");
    const state = JSON.stringify([session.state, devices]);
    if (state === this.#shown) return;
    this.#shown = state;
    this.#hasOther = devices.some((one) => one.state === "active" && one.deviceId !== session.device.deviceId);
    const fingerprints = await crypto.fingerprints([...devices, /** @type {any} */ (session.device)]);
    this.#tell(devices.filter((device) => device.state === "pending" && device.deviceId !== session.device.deviceId));
    find("own-devices-rows").replaceChildren(...devices.map((device) => this.#makeRow(device, fingerprints[device.deviceId])));
    const code = devices.find((device) => device.type === "recovery" && device.state === "active");
    this.#showThis(fingerprints[session.device.deviceId], Boolean(code));
    show(find("recovery-part"), session.state === "active");
    find("recovery-facts").textContent = code
      ? `${formatMoment(code.createdAt)}에 만든 코드를 쓰고 있어요.`
      : "모든 기기를 잃어버려도 대화를 다시 열 수 있는 코드예요. 아직 없어요.";
    find("make-recovery").textContent = code ? "새 비상 코드 만들기" : "비상 코드 만들기";
  }

  /** @param {string} fingerprint @param {boolean} hasCode */
  #showThis(fingerprint, hasCode) {
    const { state, memberId } = this.#parts.session;
    const isPending = state === "pending";
    show(find("device-waiting"), isPending);
    show(find("device-revoked"), state === "revoked");
    show(find("reset-part"), memberId.startsWith("patient:"));
    show(find("admit-part"), memberId.startsWith("staff:"));
    show(find("recover-part"), isPending || (state === "active" && hasCode));
    if (isPending) find("recover-part").open = true;
    find("own-fingerprint").textContent = isPending ? fingerprint : "";
    if (isPending) void showQr(find("own-fingerprint-qr"), qrOf(fingerprint, "이 기기의 지문 QR"));
    else find("own-fingerprint-qr").replaceChildren();
  }

  /** At the top, also where a thread covers the list. @param {ToldDevice[]} waiting */
  #tell(waiting) {
    const { state } = this.#parts.session;
    const isAsked = state === "active" && waiting.length > 0;
    const text = isAsked ? "승인을 기다리는 내 기기가 있어요." : (NOTICES[state ?? ""] ?? "");
    const next = { label: isAsked ? "견주어 보기" : "내 기기 보기", act: showSection };
    showError(find("device-notice"), text ? { text, next } : null);
  }

  /** @param {ToldDevice} device @param {string} fingerprint */
  #makeRow(device, fingerprint) {
    const { session } = this.#parts;
    const isThis = device.deviceId === session.device.deviceId;
    const facts = [nameDeviceType(device.type), isThis ? "이 기기" : null, nameDeviceState(device.state), formatMoment(device.createdAt)];
    const mayAct = session.state === "active" && !isThis;
    const buttons = make("div", { class: "buttons" });
    if (mayAct && device.state === "pending")
      buttons.append(
        this.#makeButton("QR로 견주기", fingerprint, () => this.#compare(device, fingerprint)),
        this.#makeButton("이 기기 승인", fingerprint, () => this.#approve(device, fingerprint, COMPARE_BY_EYE)),
      );
    if (mayAct) buttons.append(this.#makeButton("사용 중지", fingerprint, () => this.#revoke(device, fingerprint)));
    const parts = [make("p", {}, facts.filter(Boolean).join(" · ")), make("code", { class: "fingerprint" }, fingerprint)];
    if (mayAct && device.state === "pending") parts.push(makeQrPart(fingerprint));
    return make("li", { class: "row" }, ...parts, buttons.childElementCount > 0 ? buttons : null);
  }

  /** @param {string} label @param {string} fingerprint @param {() => Promise<boolean>} act */
  #makeButton(label, fingerprint, act) {
    const button = make("button", { type: "button", class: "small", "aria-label": `${label} (${fingerprint})` }, label);
    button.addEventListener("click", () => void this.#act(button, act));
    return button;
  }

  /** What the other device shows, by the camera or typed, and what the server tells of it.
   * @param {ToldDevice} device @param {string} fingerprint */
  async #compare(device, fingerprint) {
    const read = await askForFingerprint();
    if (read === null) return false;
    if (read === fingerprint) return this.#approve(device, fingerprint, COMPARED);
    showError(find("own-devices-failed"), { text: FINGERPRINT_DIFFERS });
    return false;
  }

  /** By the person's word alone. @param {ToldDevice} device @param {string} fingerprint
   * @param {{title: string, text: string, yes: string}} question */
  async #approve(device, fingerprint, question) {
    if (!(await askToConfirm({ ...question, look: "primary", about: fingerprint }))) return false;
    await this.#parts.devices.approve(device);
    showToast("success", "새 기기에서 지금까지의 대화를 열 수 있어요.");
    return true;
  }

  /** @param {ToldDevice} device @param {string} fingerprint */
  async #revoke(device, fingerprint) {
    const isCode = device.type === "recovery";
    const question = {
      title: isCode ? "이 비상 코드를 그만 쓸까요?" : "이 기기를 그만 쓸까요?",
      text: "지금부터 쓰는 메시지는 열지 못해요. 이미 받은 메시지는 그 기기에 남아 있을 수 있어요. 되돌릴 수 없어요.",
      yes: "사용 중지",
      look: /** @type {const} */ ("danger"),
      about: fingerprint,
    };
    if (!(await askToConfirm(question))) return false;
    await this.#parts.devices.revoke(device.deviceId);
    showToast("success", "사용을 중지하고 열쇠를 바꿨어요.");
    return true;
  }

  /** It opens nothing until the person has it on paper. @param {NewRecovery} made */
  async #printRecovery(made) {
    find("recovery-code").replaceChildren(...made.code.split("-").map((group) => make("li", {}, group)));
    find("recovery-whose").textContent = `${this.#parts.session.memberId} · ${formatMoment(made.claim.createdAt)}`;
    const isKept = (await openDialog(find("recovery"))) === "kept";
    find("recovery-code").replaceChildren();
    if (isKept) await this.#keepRecovery(made);
    return isKept;
  }

  /** The paper is printed: what fails is tried again with the same code. @param {NewRecovery} made */
  async #keepRecovery(made) {
    try {
      await this.#parts.devices.keepRecovery(made);
      showToast("success", "비상 코드를 쓸 수 있어요.");
    } catch (/** @type {any} */ error) {
      const act = () => void this.#act(find("make-recovery"), () => this.#keepRecovery(made));
      showError(find("own-devices-failed"), { ...troubleOf(error), next: { act } });
    }
    return true;
  }

  async #recoverDevice() {
    const fault = await this.#parts.devices.recover(this.#recover.value);
    this.#recover.setFault(fault ? explainRecovery(fault) : "");
    if (fault) this.#recover.focus();
    else this.#recover.value = "";
    return !fault;
  }

  async #registerAnew() {
    const { state, memberId } = this.#parts.session;
    if (state === "active" && !this.#hasOther && !memberId.startsWith("patient:")) {
      showError(find("own-devices-failed"), { text: CODE_FIRST });
      showSection();
      return false;
    }
    const left = await this.#parts.countWaiting();
    const way = state === "active" ? " 쓰던 다른 기기나 비상 코드, 본인 확인으로 다시 승인해야 열려요." : "";
    const question = {
      title: "새 기기로 등록할까요?",
      text: `이 브라우저에 있는 열쇠와 메시지를 지우고 새로 받아요.${way}${left ? ` 보내지 못한 메시지 ${left}개도 지워져요.` : ""}`,
      yes: "새로 등록",
      look: /** @type {const} */ ("danger"),
    };
    if (!(await askToConfirm(question))) return false;
    await this.#parts.devices.eraseThis();
    location.reload();
    return false;
  }

  /** @param {string} id @param {() => Promise<boolean>} act */
  #onClick(id, act) {
    find(id).addEventListener("click", () => void this.#act(find(id), act));
  }

  /** @param {HTMLButtonElement} button @param {() => Promise<boolean>} act whether something is different by then */
  async #act(button, act) {
    showError(find("own-devices-failed"), null);
    await whileBusy(button, async () => {
      try {
        if (await act()) await this.#parts.onChanged();
      } catch (/** @type {any} */ error) {
        showError(find("own-devices-failed"), troubleOf(error));
      }
    });
  }
}

/** Where a thread covers it, that is left first. */
function showSection() {
  const focus = () => find("own-devices-title").focus();
  if (!location.hash || !matchMedia(NARROW).matches) return focus();
  addEventListener("hashchange", () => setTimeout(focus), { once: true });
  location.hash = "";
}

/** @param {string} fingerprint */
function makeQrPart(fingerprint) {
  return makeQrDetails("지문을 QR로 보기", qrOf(fingerprint, "기다리는 기기의 지문 QR"), { class: "more-part" });
}

/** @param {string} text @param {string} label */
const qrOf = (text, label) => ({ library: find("threads").dataset.qrLibrary, text, label });

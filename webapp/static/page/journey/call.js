/**
 * The full screen of a call, which stays until somebody has read it.
 * @module
 */

import { find, setText } from "../kit/dom.js";
import { callSentence, roomText } from "./words.js";

export class CallScreen {
  #alarm;
  #onRead;
  #call = /** @type {any} */ (null);

  /** @param {import("./alarm.js").CallAlarm} alarm @param {(call: any) => void} onRead */
  constructor(alarm, onRead) {
    this.#alarm = alarm;
    this.#onRead = onRead;
    const dialog = find("call");
    // Escape would put it away unread.
    dialog.addEventListener("cancel", (/** @type {Event} */ event) => event.preventDefault());
    dialog.addEventListener(
      "keydown",
      (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && event.preventDefault(),
    );
    find("call-read").addEventListener("click", () => this.#read());
  }

  get isOpen() {
    return this.#call !== null;
  }

  /** A repeated call rings anew. @param {any} call @param {string} [steps] how to get there */
  show(call, steps = "") {
    this.#call = call;
    find("call-number").textContent = String(call.queue_number);
    find("call-place").textContent = callSentence(call);
    setText(find("call-steps"), steps);
    const dialog = find("call");
    if (!dialog.open) dialog.showModal();
    find("call-read").focus();
    this.#alarm.ring({
      title: `🔔 ${call.queue_number}번, 지금 오세요`,
      sentence: `${call.queue_number}번 님, ${callSentence(call)}. ${roomText(call.room)}`,
    });
  }

  hide() {
    this.#call = null;
    this.#alarm.stop();
    find("call").close();
  }

  #read() {
    const call = this.#call;
    this.hide();
    this.#onRead(call);
  }
}

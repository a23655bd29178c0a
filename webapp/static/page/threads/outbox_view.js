/**
 * What waits on this computer: how many, and what was refused, with what the person can do about it.
 * @module
 */

import { askToConfirm } from "../kit/dialog.js";
import { find, make, setText, show } from "../kit/dom.js";
import { WORDS } from "../kit/words.js";
import { explainCode, formatMoment } from "./words.js";

const MOST_SHOWN = 20;
const REDRAW_MILLISECONDS = 100;

/** @typedef {import("../../sdk/threads/outbox.js").OutboxRow} OutboxRow */

export class OutboxView {
  #sender;
  #threadId = /** @type {string|null} */ (null);
  #timer = 0;

  /** @param {import("../../sdk/threads/sender.js").ThreadSender} sender */
  constructor(sender) {
    this.#sender = sender;
  }

  /** Of this thread the rows, of all the number. @param {string} threadId */
  open(threadId) {
    this.#threadId = threadId;
    this.changed();
  }

  /** Many changes are drawn as one. */
  changed() {
    if (this.#timer === 0)
      this.#timer = setTimeout(() => {
        this.#timer = 0;
        void this.#draw();
      }, REDRAW_MILLISECONDS);
  }

  async #draw() {
    const rows = await this.#sender.outbox.rows();
    const dead = rows.filter(({ state }) => state === "dead").length;
    setText(find("waiting"), rows.length ? `보내지 않은 메시지 ${rows.length}개${dead ? ` · 거절된 메시지 ${dead}개` : ""}` : "");
    const own = rows.filter(({ threadId }) => threadId === this.#threadId);
    show(find("outbox"), own.length > 0);
    find("outbox-count").textContent = `${own.length}개`;
    const first = [...own].sort((one, other) => Number(other.state === "dead") - Number(one.state === "dead"));
    find("outbox-rows").replaceChildren(...first.slice(0, MOST_SHOWN).map((row) => this.#makeRow(row)));
  }

  /** @param {OutboxRow} row */
  #makeRow(row) {
    const facts = `${row.clientSeq}번째 · ${formatMoment(row.envelope.createdAt)}`;
    if (row.state !== "dead") {
      return make("li", { class: "row" }, make("p", {}, facts, " · ", row.state === "inflight" ? "보내는 중" : "기다리는 중"));
    }
    return make(
      "li",
      { class: "row" },
      make("p", {}, facts),
      make("p", { class: "error" }, explainCode(row.code ?? "")),
      make(
        "div",
        { class: "buttons" },
        makeButton(WORDS.retry, row, () => this.#sender.retry(row.dedupeId)),
        makeButton("내려받기", row, async () => save(row)),
        makeButton("버리기", row, () => this.#discard(row)),
      ),
    );
  }

  /** @param {OutboxRow} row */
  async #discard(row) {
    const text = "이 메시지는 아무에게도 가지 않았어요. 버리면 되돌릴 수 없어요.";
    const isMeant = await askToConfirm({ title: "메시지를 버릴까요?", text, yes: "버리기", look: "danger" });
    if (isMeant) await this.#sender.discard(row.dedupeId);
  }
}

/** @param {string} label @param {OutboxRow} row @param {() => Promise<void>} act */
function makeButton(label, row, act) {
  const button = make("button", { type: "button", class: "small", "aria-label": `${row.clientSeq}번째 메시지 ${label}` }, label);
  button.addEventListener("click", () => void act());
  return button;
}

/** Encrypted, as it waits. @param {OutboxRow} row */
function save({ envelope }) {
  const href = URL.createObjectURL(new Blob([JSON.stringify(envelope)], { type: "application/json" }));
  make("a", { href, download: `envelope-${envelope.dedupeId}.json` }).click();
  URL.revokeObjectURL(href);
}

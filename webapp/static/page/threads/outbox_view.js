/**
 * What waits on this computer: how many, and what was refused, with what the person can do about it; and what was sent and
 * has not appeared among the messages yet.
 * @module
 */

import { askToConfirm } from "../kit/dialog.js";
import { find, make, setText, show } from "../kit/dom.js";
import { WORDS } from "../kit/words.js";
import { explainCode, formatMoment } from "./words.js";

const MOST_SHOWN = 20;
const REDRAW_MILLISECONDS = 100;
const MOST_LETTERS = 200;
const STATES = { inflight: "보내는 중", queued: "기다리는 중", dead: "" };
const ACKED = "보냈어요. 대화에 나타나기를 기다려요.";

/** @typedef {import("../../sdk/threads/outbox.js").OutboxRow} OutboxRow */
/** @typedef {import("../../sdk/threads/texts.js").Envelope} Envelope */

export class OutboxView {
  #sender;
  #read;
  #drawn = 0;
  #threadId = /** @type {string|null} */ (null);
  #timer = 0;

  /** @param {import("../../sdk/threads/sender.js").ThreadSender} sender
   * @param {(envelope: Envelope) => Promise<Uint8Array>} read what one's own envelope says */
  constructor(sender, read) {
    this.#sender = sender;
    this.#read = read;
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
    this.#drawn += 1;
    const drawing = this.#drawn;
    const { outbox } = this.#sender;
    const [rows, acked] = await Promise.all([outbox.rows(), this.#threadId ? outbox.acked(this.#threadId) : []]);
    const dead = rows.filter(({ state }) => state === "dead").length;
    setText(find("waiting"), rows.length ? `보내지 않은 메시지 ${rows.length}개${dead ? ` · 거절된 메시지 ${dead}개` : ""}` : "");
    const own = rows.filter(({ threadId }) => threadId === this.#threadId);
    const first = [...own].sort((one, other) => Number(other.state === "dead") - Number(one.state === "dead"));
    const shown = [
      ...first.slice(0, MOST_SHOWN).map((row) => this.#makeRow(row, STATES[row.state])),
      ...acked.slice(0, MOST_SHOWN).map((row) => this.#makeRow(row, ACKED)),
    ];
    const elements = await Promise.all(shown);
    if (drawing !== this.#drawn) return; // another one has begun, which knows more
    show(find("outbox"), elements.length > 0);
    find("outbox-count").textContent = own.length > 0 ? `${own.length}개` : "";
    find("outbox-rows").replaceChildren(...elements);
  }

  /** What was written, as far as a line has room for it. @param {OutboxRow} row */
  async #describe({ envelope }) {
    if (envelope.contentType !== "text/plain") return envelope.contentType.startsWith("image/") ? "사진" : "파일이나 기록";
    try {
      return new TextDecoder().decode(await this.#read(envelope)).slice(0, MOST_LETTERS);
    } catch {
      return "지금 볼 수 없는 글"; // whatever keeps it from being read, it waits all the same
    }
  }

  /** @param {OutboxRow} row @param {string} state */
  async #makeRow(row, state) {
    const facts = `${row.clientSeq}번째 · ${formatMoment(row.envelope.createdAt)}${state ? ` · ${state}` : ""}`;
    const said = make("p", {}, await this.#describe(row));
    if (row.state !== "dead" || state === ACKED) return make("li", { class: "row" }, said, make("p", { class: "hint" }, facts));
    return make(
      "li",
      { class: "row" },
      said,
      make("p", { class: "hint" }, facts),
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

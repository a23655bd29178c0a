/**
 * What needs a word more than a press: priority, transfer, cancellation. The form stays while the line changes.
 * @module
 */

import { find, make, setText, show, whileBusy } from "../kit/dom.js";
import { faultText, PRIORITY_REASONS } from "./words.js";

const LEVELS = [
  ["3", "3 · 바로"],
  ["2", "2 · 먼저"],
  ["1", "1 · 조금 먼저"],
  ["0", "0 · 없음"],
];
const TITLES = /** @type {Record<string, string>} */ ({
  priority: "우선",
  transfer: "다른 줄로 옮기기",
  cancel_appointment: "예약 취소",
});

export class Panel {
  #onDo;
  #exams;
  #open = /** @type {{entry: any, act: string}|null} */ (null);

  /** @param {(entry: any, act: string, values: any) => Promise<void>} onDo @param {() => any[]} exams to move to */
  constructor(onDo, exams) {
    this.#onDo = onDo;
    this.#exams = exams;
    find("panel").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      whileBusy(find("panel-do"), () => this.#do());
    });
    find("panel-close").addEventListener("click", () => this.close());
  }

  /** @param {any} entry @param {string} act */
  open(entry, act) {
    this.#open = { entry, act };
    setText(find("panel-title"), `${entry.queue_number}번 ${entry.patient?.name ?? ""} · ${TITLES[act]}`);
    setText(find("panel-error"), "");
    find("panel-fields").replaceChildren(...FIELDS[act](this.#exams()));
    show(find("panel"));
    find("panel-title").focus();
  }

  close() {
    const open = this.#open;
    this.#open = null;
    show(find("panel"), false);
    if (open) document.getElementById(`${open.act}-${open.entry.queue_id}`)?.focus();
  }

  async #do() {
    const { entry, act } = /** @type {{entry: any, act: string}} */ (this.#open);
    const values = VALUES[act]();
    const fault = typeof values === "string" ? values : "";
    setText(find("panel-error"), fault);
    if (fault) return;
    try {
      await this.#onDo(entry, act, values);
      this.close();
    } catch (/** @type {any} */ error) {
      setText(find("panel-error"), faultText(error));
    }
  }
}

/** @param {string} id @param {string} label @param {HTMLElement} control */
function field(id, label, control) {
  control.id = id;
  return make("div", { class: "field" }, make("label", { htmlFor: id }, label), control);
}

/** @param {string[][]} choices */
const select = (choices) => make("select", {}, ...choices.map(([value, text]) => make("option", { value }, text)));
const textInput = (/** @type {any} */ traits = {}) =>
  make("input", { type: "text", autocomplete: "off", maxLength: 200, ...traits });

/** @type {Record<string, (exams: any[]) => HTMLElement[]>} */
const FIELDS = {
  priority: () => [
    field("panel-level", "얼마나", select(LEVELS)),
    field("panel-reason", "까닭", select(Object.entries(PRIORITY_REASONS))),
    field("panel-note", "덧붙일 말", textInput()),
  ],
  transfer: (exams) => [
    field("panel-exam", "옮길 검사", select(exams.map(({ exam_id, title }) => [exam_id, title]))),
    field("panel-reason", "까닭", textInput()),
  ],
  cancel_appointment: () => [field("panel-reason", "까닭", textInput())],
};

const valueOf = (/** @type {string} */ id) => find(id).value.trim();

/** A sentence instead of values: what is missing. @type {Record<string, () => any>} */
const VALUES = {
  priority: () => {
    const [reason, note] = [valueOf("panel-reason"), valueOf("panel-note")];
    if (reason === "other" && !note) return "까닭을 덧붙여 주세요.";
    return { priority: Number(valueOf("panel-level")), reason, ...(note ? { note } : {}) };
  },
  transfer: () => {
    const [exam_id, reason] = [valueOf("panel-exam"), valueOf("panel-reason")];
    return exam_id && reason ? { exam_id, reason } : "옮길 검사와 까닭을 적어 주세요.";
  },
  cancel_appointment: () => {
    const reason = valueOf("panel-reason");
    return reason ? { reason } : "까닭을 적어 주세요.";
  },
};

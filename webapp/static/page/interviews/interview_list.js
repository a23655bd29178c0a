/**
 * The project's interviews as they are just now: uploads on their way, statuses, and what a failed one needs.
 * @module
 */

import { make, setText } from "../kit/dom.js";
import { referenceLine } from "../kit/error.js";
import { List } from "../kit/list.js";
import { WORDS } from "../kit/words.js";
import { interviewHash } from "./routes.js";
import { explainTo, formatDay, formatSize, nameStatus, toneOf } from "./words.js";

/** @typedef {{retryUpload: (id: string) => void, dismissUpload: (id: string) => void, retry: (id: string, title: string) => void}} Acts */

export class InterviewList {
  #list = new List("interviews");
  #acts;
  #mayEdit;
  #open = /** @type {string|null} */ (null);
  #shown = /** @type {any[]} */ ([]);

  /** @param {Acts} acts @param {boolean} mayEdit */
  constructor(acts, mayEdit) {
    this.#acts = acts;
    this.#mayEdit = mayEdit;
    this.#list.showLoading();
  }

  /** @param {any[]} interviews @param {(() => void)|null} onMore */
  show(interviews, onMore) {
    if (isSameButProgress(this.#shown, interviews)) showProgress(interviews);
    else this.#list.showRows(interviews.map((one) => this.#makeRow(one)), { onMore });
    this.#shown = interviews;
    this.mark(this.#open);
  }

  /** @param {import("../kit/error.js").Trouble} trouble */
  showError(trouble) {
    this.#list.showError(trouble);
  }

  /** The one that is open. @param {string|null} id */
  mark(id) {
    this.#open = id;
    for (const link of document.querySelectorAll("#interviews-rows a")) {
      if (id !== null && link.id === `open-${id}`) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  /** @param {any} one */
  #makeRow(one) {
    return one.workflow_status === "uploading" ? this.#makeUploadRow(one) : this.#makeInterviewRow(one);
  }

  /** @param {any} one */
  #makeInterviewRow({ id, title, workflow_status: status, interview_date, file_name, file_bytes, error }) {
    const file = file_name ? `${file_name} · ${formatSize(file_bytes ?? 0)}` : "붙여 넣은 글";
    const again = status === "failed" && this.#mayEdit;
    return make(
      "li",
      { class: "row" },
      make("a", { id: `open-${id}`, class: "row-title", href: interviewHash(id) }, title),
      makeChip(status),
      make("p", { class: "hint" }, `${formatDay(interview_date)} · ${file}`),
      status === "failed" && error?.message ? make("p", { class: "error" }, error.message) : null,
      again ? makeButton(`retry-${id}`, "다시 분석", title, () => this.#acts.retry(id, title)) : null,
    );
  }

  /** @param {any} one */
  #makeUploadRow({ id, title, progress, error }) {
    const name = make("span", { class: "row-title" }, title);
    if (!error) {
      const bar = make("progress", { id: `progress-${id}`, max: 1, value: progress, "aria-label": `${title} 올리는 중` });
      return make("li", { class: "row" }, name, makeChip("uploading"), bar, make("p", { id: `sent-${id}`, class: "hint" }, percentOf(progress)));
    }
    return make(
      "li",
      { class: "row" },
      name,
      make("span", { class: "chip above" }, "올리지 못함"),
      make("p", { class: "error" }, explainTo(error)),
      error.requestId ? referenceLine(error.requestId) : null,
      make(
        "div",
        { class: "buttons" },
        error.retryable ? makeButton(`again-${id}`, WORDS.retry, title, () => this.#acts.retryUpload(id)) : null,
        makeButton(`dismiss-${id}`, "닫기", title, () => this.#acts.dismissUpload(id)),
      ),
    );
  }
}

/** @param {string} status */
export function makeChip(status) {
  return make("span", { class: `chip ${toneOf(status)}` }, nameStatus(status));
}

/** @param {string} id @param {string} label @param {string} about what it is done to, for who hears the button alone
 * @param {() => void} act */
export function makeButton(id, label, about, act) {
  const button = make("button", { id, type: "button", class: "small", "aria-label": `${about} ${label}` }, label);
  button.addEventListener("click", act);
  return button;
}

/** @param {number} progress */
const percentOf = (progress) => (progress === 1 ? "서버가 받고 있어요" : `${Math.floor(progress * 100)}%`);

/** Rows are not made anew for each part of a file that is sent. @param {any[]} before @param {any[]} now */
function isSameButProgress(before, now) {
  const isSame = (/** @type {any} */ one, /** @type {number} */ index) => {
    const was = before[index];
    return was === one || (one.workflow_status === "uploading" && was?.id === one.id && was.error === one.error);
  };
  return now.length > 0 && before.length === now.length && now.every(isSame);
}

/** @param {any[]} interviews */
function showProgress(interviews) {
  for (const { id, workflow_status: status, progress } of interviews) {
    const bar = status === "uploading" ? document.getElementById(`progress-${id}`) : null;
    if (!bar) continue;
    /** @type {any} */ (bar).value = progress;
    setText(/** @type {HTMLElement} */ (document.getElementById(`sent-${id}`)), percentOf(progress));
  }
}

/**
 * One interview: its state, its analysis, and what may be done with it.
 * @module
 */

import { askToConfirm } from "../kit/dialog.js";
import { find, make, setText, show, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { showToast } from "../kit/toast.js";
import { makeAnalysis, utteranceId } from "./analysis.js";
import { download } from "./downloads.js";
import { client } from "./entry.js";
import { Highlights } from "./highlights.js";
import { makeChip } from "./interview_list.js";
import { utterancesOf } from "./reading.js";
import { retryInterview } from "./retry.js";
import { interviewHash } from "./routes.js";
import { Speakers } from "./speakers.js";
import { explainTo, formatDay, formatDayOf, troubleOf } from "./words.js";

const MARK_CLASS = "marked";
const DOWNLOADS = ["interview-xlsx", "interview-md", "interview-original"];

export class InterviewView {
  #may;
  #onGone;
  #id = /** @type {string|null} */ (null);
  #shown = /** @type {any} */ (null);
  #asked = 0; // the newest revision of the one that is shown that was asked for
  #turn = 0;
  #highlights;
  #speakers;

  /** `consent`: the project requires it. @param {{edit: boolean, readOriginal: boolean, consent: boolean}} may @param {() => void} onGone it is no longer there */
  constructor(may, onGone) {
    this.#may = may;
    this.#onGone = onGone;
    this.#highlights = new Highlights(may.edit);
    this.#speakers = may.edit ? new Speakers(() => this.#load(this.#shown.id)) : null;
    find("interview-retry").addEventListener("click", () => this.#act("interview-retry", () => this.#retry()));
    find("interview-delete").addEventListener("click", () => this.#act("interview-delete", () => this.#delete()));
    for (const link of DOWNLOADS) find(link).addEventListener("click", download);
    find("interview").addEventListener("click", (/** @type {any} */ event) => {
      // The address says already where that leads: nothing would happen by itself.
      if (event.target.closest("a")?.getAttribute("href") === location.hash) this.#jump(this.#lineAsked);
    });
  }

  #lineAsked = /** @type {number|null} */ (null);

  /** @param {string|null} id null: none @param {number|null} line the utterance to go to */
  async open(id, line) {
    const isOther = id !== this.#id;
    this.#id = id;
    this.#lineAsked = line;
    show(find("interview"), id !== null && this.#shown?.id === id);
    show(find("interview-none"), id === null);
    if (id === null) return;
    if (isOther || this.#shown?.id !== id) {
      if (!(await this.#load(id))) return;
      if (line === null) find("interview-title").focus();
    }
    if (line !== null) this.#jump(line);
  }

  /** The list or an event tells of a revision, the same one often by both: it is asked for once.
   * @param {{id: string, revision: number}} row */
  async refresh({ id, revision }) {
    if (this.#id !== id || this.#shown?.id !== id || revision <= Math.max(this.#shown.revision, this.#asked)) return;
    this.#asked = revision;
    await this.#load(id);
  }

  /** The note stands in no event. Where only a highlight has changed, the script is not drawn anew.
   * @param {string} id @param {number} revision */
  async noteHighlighted(id, revision) {
    if (this.#shown?.id !== id || revision > this.#shown.revision + 1) return this.refresh({ id, revision });
    this.#shown.revision = Math.max(this.#shown.revision, revision);
    await this.#highlights.refresh();
  }

  /** @returns {string|null} */
  get id() {
    return this.#id;
  }

  /** @param {string} id @returns {Promise<boolean>} whether it is shown */
  async #load(id) {
    const turn = ++this.#turn;
    try {
      const interview = await client.interview(id);
      if (turn !== this.#turn || id !== this.#id) return false;
      this.#draw(interview);
      return true;
    } catch (/** @type {any} */ error) {
      if (turn === this.#turn && id === this.#id) this.#showFault(error);
      return false;
    }
  }

  /** @param {any} error */
  #showFault(error) {
    this.#asked = 0;
    if (error.status === 404) {
      showToast("info", "삭제했거나 볼 수 없는 인터뷰예요.");
      return this.#onGone();
    }
    show(find("interview"));
    showError(find("interview-failed"), { ...troubleOf(error), next: { act: () => this.#id && this.open(this.#id, null) } });
  }

  /** @param {any} interview */
  #draw(interview) {
    this.#shown = interview;
    this.#asked = interview.revision;
    const { id, title, workflow_status: status, interview_date, attempt, error, deleted_at } = interview;
    // It is read by a link that stayed; nothing is done with it before it is restored.
    const mayEdit = this.#may.edit && deleted_at === null;
    find("interview-title").textContent = title;
    const tries = attempt > 1 ? `${attempt}번째 분석` : "";
    const gone = deleted_at === null ? "" : "삭제한 인터뷰";
    const facts = [gone, formatDay(interview_date), tries, this.#nameConsent(interview.consent_at)].filter(Boolean);
    find("interview-facts").replaceChildren(makeChip(status), ...facts.map((fact) => make("span", {}, fact)));
    showError(find("interview-failed"), status === "failed" ? { text: error?.message || "분석에 실패했어요." } : null);
    this.#offer(interview, mayEdit);
    this.#drawAnalysis(interview, mayEdit);
    this.#speakers?.show(id, mayEdit ? interview.speakers : []);
    this.#highlights.show(id, deleted_at === null ? utterancesOf(interview.cleaned_script) : []);
    show(find("interview"));
  }

  /** @param {string|null} consentedAt */
  #nameConsent(consentedAt) {
    if (consentedAt) return `${formatDayOf(consentedAt)}에 동의 확인`;
    return this.#may.consent ? "동의 기록 없음" : "";
  }

  /** @param {any} interview @param {boolean} mayEdit */
  #drawAnalysis(interview, mayEdit) {
    const [analysis, focused] = [find("analysis"), document.activeElement];
    const focusedId = analysis.contains(focused) ? focused?.id : "";
    analysis.replaceChildren(...makeAnalysis(interview, (line) => interviewHash(interview.id, line), mayEdit));
    const { workflow_status: status } = interview;
    if (status === "processing" || status === "analyzing") analysis.prepend(makeWaiting());
    // Who was on an utterance with the keyboard stays there.
    if (focusedId) document.getElementById(focusedId)?.focus({ preventScroll: true });
  }

  /** @param {any} interview @param {boolean} mayEdit */
  #offer({ id, workflow_status: status, deleted_at }, mayEdit) {
    const isDone = status === "completed" && deleted_at === null;
    offerLink("interview-xlsx", isDone, client.exportUrl(id, "xlsx"));
    offerLink("interview-md", isDone, client.exportUrl(id, "md"));
    offerLink("interview-original", this.#may.readOriginal, client.originalUrl(id));
    show(find("interview-retry"), mayEdit && status === "failed");
    show(find("interview-delete"), mayEdit);
    show(find("interview-buttons"), mayEdit || isDone || this.#may.readOriginal);
  }

  /** @param {number|null} line */
  #jump(line) {
    const place = line === null ? null : document.getElementById(utteranceId(line));
    const utterance = place?.closest("li");
    if (!utterance) return;
    for (const marked of document.querySelectorAll(`.${MARK_CLASS}`)) marked.classList.remove(MARK_CLASS);
    utterance.classList.add(MARK_CLASS);
    utterance.focus({ preventScroll: true });
    utterance.scrollIntoView({ block: "center" });
  }

  /** @param {string} button @param {() => Promise<void>} work */
  #act(button, work) {
    return whileBusy(find(button), async () => {
      try {
        await work();
      } catch (/** @type {any} */ error) {
        showToast("error", explainTo(error), error.requestId);
      }
    });
  }

  async #retry() {
    await retryInterview(this.#shown.id, this.#shown.title);
  }

  async #delete() {
    const question = {
      title: "인터뷰를 삭제할까요?",
      text: "‘삭제한 인터뷰’에서 되돌릴 수 있어요. 분석하고 있었다면 멈춰요.",
      yes: "삭제",
      look: /** @type {const} */ ("danger"),
      about: this.#shown.title,
    };
    if (!(await askToConfirm(question))) return;
    await client.remove(this.#shown.id);
    this.#onGone();
  }
}

/** @param {string} id @param {boolean} isOffered @param {string} href */
function offerLink(id, isOffered, href) {
  show(find(id), isOffered);
  find(id).href = href;
}

function makeWaiting() {
  const text = "분석하고 있어요. 끝나면 여기에 바로 나와요.";
  return make("p", { class: "waiting", role: "status" }, make("span", { class: "spinner", "aria-hidden": "true" }), text);
}

/**
 * The highlights of the interview that is open: listed, marked in its script, made of a passage, changed and removed.
 * @module
 */

import { askToConfirm, openDialog } from "../kit/dialog.js";
import { find, make, setText, show, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { Field } from "../kit/field.js";
import { List } from "../kit/list.js";
import { showToast } from "../kit/toast.js";
import { utteranceId } from "./analysis.js";
import { client } from "./entry.js";
import { makeButton } from "./interview_list.js";
import { PassagePicker } from "./passage_picker.js";
import { faultOfTags, namePassage, numbersOf, passageOf, tagsOf, textOfPassage } from "./passages.js";
import { interviewHash } from "./routes.js";
import { explainTo, formatDayOf, troubleOf } from "./words.js";

/** @typedef {import("./passages.js").Passage} Passage */
/** @typedef {import("./reading.js").Utterance} Utterance */

const OF_REMOVAL = /** @type {const} */ ({
  title: "하이라이트를 지울까요?",
  text: "태그와 메모도 함께 지워요. 인터뷰는 그대로예요.",
  yes: "지우기",
  look: "danger",
});

export class Highlights {
  #mayEdit;
  #picker;
  #list = new List("highlights");
  #tags = new Field("highlight-tags", { check: () => faultOfTags(tagsOf(find("highlight-tags").value)) });
  #note = new Field("highlight-note");
  #id = /** @type {string|null} */ (null);
  #utterances = /** @type {Utterance[]} */ ([]);
  #save = /** @type {() => Promise<void>} */ (async () => {});
  #turn = 0;

  /** @param {boolean} mayEdit */
  constructor(mayEdit) {
    this.#mayEdit = mayEdit;
    this.#picker = mayEdit ? new PassagePicker() : null;
    find("passage-keep").addEventListener("click", () => this.#draft());
    find("highlight-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      whileBusy(find("highlight-save"), () => this.#submit());
    });
    find("highlight-cancel").addEventListener("click", () => find("highlight-dialog").close());
    show(find("highlights-how"), mayEdit);
  }

  /** The interview was drawn anew. @param {string} id @param {Utterance[]} utterances */
  async show(id, utterances) {
    const isSame = id === this.#id;
    this.#id = id;
    this.#utterances = utterances;
    this.#picker?.show(utterances, isSame);
    show(find("highlights"), utterances.length > 0);
    if (!isSame) this.#list.showRows([], { isComplete: false });
    if (utterances.length > 0) await this.refresh();
  }

  async refresh() {
    const [turn, id] = [++this.#turn, this.#id];
    if (id === null) return;
    this.#list.showLoading();
    try {
      const highlights = await client.highlights(id);
      if (turn === this.#turn) this.#draw(id, highlights);
    } catch (/** @type {any} */ error) {
      if (turn === this.#turn) this.#list.showError({ ...troubleOf(error), next: { act: () => this.refresh() } });
    }
  }

  /** @param {string} id of the interview @param {any[]} highlights */
  #draw(id, highlights) {
    const placed = highlights.map((one) => ({ one, passage: passageOf(this.#utterances, one) }));
    this.#list.showRows(placed.map(({ one, passage }) => this.#makeRow(id, one, passage)));
    this.#utterances.forEach(({ number }, index) => {
      const isIn = placed.some(({ passage }) => passage && index >= passage.first && index <= passage.last);
      markUtterance(number, isIn);
    });
  }

  /** @param {string} interviewId @param {any} highlight @param {Passage|null} passage */
  #makeRow(interviewId, highlight, passage) {
    const { id, tags, note, account, created_at, first_utterance_id: line } = highlight;
    const name = passage ? namePassage(this.#utterances, passage) : `${line}번 발화`;
    const buttons = [
      makeButton(`change-${id}`, "고치기", `${name} 하이라이트`, () => this.#change(highlight, passage)),
      makeButton(`remove-${id}`, "지우기", `${name} 하이라이트`, () => this.#remove(id, name)),
    ];
    return make(
      "li",
      { class: "row" },
      make("a", { id: `highlight-${id}`, class: "row-title", href: interviewHash(interviewId, line) }, name),
      passage ? make("p", { class: "excerpt" }, textOfPassage(this.#utterances, passage)) : null,
      tags.length ? make("p", { class: "facts" }, ...tags.map((/** @type {string} */ tag) => make("span", { class: "chip" }, tag))) : null,
      note ? make("p", { class: "note" }, note) : null,
      make("p", { class: "hint" }, `${account.name} · ${formatDayOf(created_at)}`),
      this.#mayEdit ? make("div", { class: "buttons" }, ...buttons) : null,
    );
  }

  /** Of the passage that is picked. */
  #draft() {
    const [id, passage] = [this.#id, this.#picker?.passage];
    if (!id || !passage) return;
    const range = rangeOf(this.#utterances, passage);
    const save = async () => {
      await client.addHighlight(id, { ...range, ...this.#written });
      find("highlight-dialog").close();
      this.#picker?.leave();
    };
    this.#ask("하이라이트 남기기", textOfPassage(this.#utterances, passage), { tags: [], note: "" }, save);
  }

  /** @param {any} highlight @param {Passage|null} passage */
  #change(highlight, passage) {
    const { id, interview_id, first_utterance_id, last_utterance_id } = highlight;
    const range = { firstUtteranceId: first_utterance_id, lastUtteranceId: last_utterance_id };
    const text = passage ? textOfPassage(this.#utterances, passage) : "";
    const save = async () => {
      await client.changeHighlight(interview_id, id, { ...range, ...this.#written });
      find("highlight-dialog").close();
    };
    this.#ask("하이라이트 고치기", text, highlight, save);
  }

  /** @param {string} title @param {string} text @param {{tags: string[], note: string}} written
   * @param {() => Promise<void>} save which closes the dialog */
  #ask(title, text, { tags, note }, save) {
    find("highlight-title").textContent = title;
    setText(find("highlight-text"), text);
    this.#tags.value = tags.join(", ");
    this.#note.value = note;
    this.#tags.setFault("");
    showError(find("highlight-failed"), null);
    this.#save = save;
    openDialog(find("highlight-dialog"));
  }

  get #written() {
    return { tags: tagsOf(this.#tags.value), note: this.#note.value.trim() };
  }

  /** What fails keeps what was written. */
  async #submit() {
    const fault = faultOfTags(this.#written.tags);
    this.#tags.setFault(fault);
    if (fault) return this.#tags.focus();
    try {
      await this.#save();
    } catch (/** @type {any} */ error) {
      return showError(find("highlight-failed"), troubleOf(error));
    }
    showToast("success", "하이라이트를 저장했어요.");
    await this.refresh();
  }

  /** @param {string} id @param {string} name */
  async #remove(id, name) {
    const interviewId = /** @type {string} */ (this.#id);
    if (!(await askToConfirm({ ...OF_REMOVAL, about: name }))) return;
    try {
      await client.removeHighlight(interviewId, id);
    } catch (/** @type {any} */ error) {
      showToast("error", explainTo(error), error.requestId);
    }
    await this.refresh();
    find("highlights-title").focus();
  }
}

/** @param {Utterance[]} utterances @param {Passage} passage */
function rangeOf(utterances, passage) {
  const [firstUtteranceId, lastUtteranceId] = numbersOf(utterances, passage);
  return { firstUtteranceId, lastUtteranceId };
}

/** Also for who does not see its look. @param {number} number @param {boolean} isIn */
function markUtterance(number, isIn) {
  const utterance = document.getElementById(utteranceId(number));
  utterance?.classList.toggle("highlighted", isIn);
  const said = utterance?.querySelector(".highlight-said");
  if (isIn && !said) utterance?.querySelector("p")?.append(make("span", { class: "sr highlight-said" }, " 하이라이트"));
  if (!isIn) said?.remove();
}

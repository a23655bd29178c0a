/**
 * Personas that are made of chosen interviews: the choice, what comes of it, and the way to talk with them.
 * @module
 */

import { find, make, setText, show, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { List } from "../kit/list.js";
import { client } from "./entry.js";
import { InsightList, makeEvidence, makeLegend } from "./insight_list.js";
import { personaHash } from "./routes.js";
import { formatDay, troubleOf } from "./words.js";

const MOST_CHOSEN = 32;
const PAGE = 50;
const CHOSEN = "#chosen-rows input:checked";

export class PersonaMaker {
  #projectId;
  #titleOf;
  #list;
  #choice = new List("chosen");
  #rows = /** @type {HTMLElement[]} */ ([]);

  /** @param {string} projectId @param {boolean} mayEdit @param {import("./insight_list.js").TitleOf} titleOf */
  constructor(projectId, mayEdit, titleOf) {
    this.#projectId = projectId;
    this.#titleOf = titleOf;
    this.#list = new InsightList({
      id: "generated",
      load: () => client.generatedPersonas(projectId),
      nameOf: ({ result }) => result?.title ?? "새 페르소나",
      makeResult: (insight) => this.#makeResult(insight),
    });
    show(find("persona-maker"), mayEdit);
    find("persona-maker").addEventListener("toggle", () => find("persona-maker").open && this.#offer(null));
    find("persona-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      whileBusy(find("persona-start"), () => this.#start());
    });
    find("chosen-rows").addEventListener("change", () => setText(find("chosen-error"), ""));
  }

  async refresh() {
    await this.#list.refresh();
  }

  /** Completed interviews, from the newest on. @param {string|null} before the page before */
  async #offer(before) {
    this.#choice.showLoading();
    try {
      const wish = { status: "completed", limit: PAGE, ...(before === null ? {} : { before }) };
      const { interviews, next } = await client.interviews(this.#projectId, wish);
      const shown = before === null ? [] : this.#rows;
      const chosen = new Set(chosenIds());
      this.#rows = [...shown, ...interviews.map((/** @type {any} */ one) => makeChoice(one, chosen.has(one.id)))];
      const onMore = next === null ? null : () => this.#offer(next);
      this.#choice.showRows(this.#rows, { onMore, focusFrom: shown.length > 0 ? shown.length : null });
    } catch (/** @type {any} */ error) {
      this.#choice.showError({ ...troubleOf(error), next: { act: () => this.#offer(before) } });
    }
  }

  async #start() {
    const chosen = chosenIds();
    const tooMany = chosen.length > MOST_CHOSEN ? `한 번에 ${MOST_CHOSEN}개까지 고를 수 있어요.` : "";
    const fault = chosen.length === 0 ? "인터뷰를 하나라도 골라 주세요." : tooMany;
    setText(find("chosen-error"), fault);
    if (fault) return /** @type {HTMLElement|null} */ (document.querySelector("#chosen-rows input"))?.focus();
    showError(find("persona-failed"), null);
    try {
      await client.startPersona(this.#projectId, chosen);
    } catch (/** @type {any} */ error) {
      return showError(find("persona-failed"), troubleOf(error));
    }
    find("persona-form").reset();
    find("persona-maker").open = false;
    find("generated-title").focus();
    await this.refresh();
  }

  /** @param {any} insight */
  #makeResult({ id, result, persona_combination_id: persona }) {
    return [
      result.description ? make("p", {}, result.description) : null,
      persona ? make("p", {}, makeTalk(persona, result.title)) : null,
      ...this.#makePoints(`${id}-needs`, "바라는 점", result.needs),
      ...this.#makePoints(`${id}-pains`, "불편한 점", result.pain_points),
      makeLegend(result.placeholders, this.#titleOf),
    ];
  }

  /** @param {string} id @param {string} title @param {any[]} points */
  #makePoints(id, title, points) {
    if (!points.length) return [];
    const items = points.map(({ text, evidence }, index) => make("li", {}, text, makeEvidence(`evidence-${id}-${index}`, evidence, this.#titleOf)));
    return [make("h4", {}, title), make("ul", { class: "points" }, ...items)];
  }
}

/** @param {string} persona @param {string} title */
function makeTalk(persona, title) {
  return make("a", { class: "button", href: personaHash(persona), "aria-label": `${title} 대화하기` }, "대화하기");
}

/** @returns {string[]} */
function chosenIds() {
  return [...document.querySelectorAll(CHOSEN)].map((input) => /** @type {HTMLInputElement} */ (input).value);
}

/** @param {any} interview @param {boolean} checked */
function makeChoice({ id, title, interview_date }, checked) {
  const input = make("input", { id: `choose-${id}`, type: "checkbox", value: id, checked });
  const said = make("span", {}, title, make("span", { class: "hint" }, ` ${formatDay(interview_date)}`));
  return make("li", {}, make("label", { class: "check" }, input, said));
}

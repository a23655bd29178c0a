/**
 * The themes of a project: found in all completed interviews, each with how many of them bear it out.
 * @module
 */

import { find, make, show, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { client } from "./entry.js";
import { InsightList, makeEvidence, makeLegend } from "./insight_list.js";
import { formatDayOf, troubleOf } from "./words.js";

export class ThemesView {
  #projectId;
  #list;
  #titleOf;

  /** @param {string} projectId @param {boolean} mayEdit @param {import("./insight_list.js").TitleOf} titleOf */
  constructor(projectId, mayEdit, titleOf) {
    this.#projectId = projectId;
    this.#titleOf = titleOf;
    this.#list = new InsightList({
      id: "themes",
      load: () => client.themes(projectId),
      nameOf: ({ created_at, status }) => (status === "completed" ? `${formatDayOf(created_at)}에 찾은 주제` : "주제 찾기"),
      makeResult: (insight) => this.#makeResult(insight),
    });
    show(find("themes-start"), mayEdit);
    find("themes-start").addEventListener("click", () => whileBusy(find("themes-start"), () => this.#start()));
  }

  async refresh() {
    await this.#list.refresh();
  }

  async #start() {
    showError(find("themes-refused"), null);
    try {
      await client.startThemes(this.#projectId);
    } catch (/** @type {any} */ error) {
      showError(find("themes-refused"), troubleOf(error));
    }
    await this.refresh();
  }

  /** @param {any} insight */
  #makeResult({ id, result }) {
    const { summary, themes, placeholders } = result;
    const items = themes.map((/** @type {any} */ theme, /** @type {number} */ index) =>
      make(
        "li",
        {},
        make("strong", {}, theme.title),
        theme.description ? make("p", {}, theme.description) : null,
        make("p", { class: "hint" }, `인터뷰 ${theme.interviews}개, 인용 ${theme.quotes}개가 뒷받침해요.`),
        makeEvidence(`evidence-${id}-${index}`, theme.evidence, this.#titleOf),
      ),
    );
    return [
      summary ? make("p", {}, summary) : null,
      items.length ? make("ol", { class: "points" }, ...items) : make("p", { class: "hint" }, "되풀이되는 이야기가 없었어요."),
      makeLegend(placeholders, this.#titleOf),
    ];
  }
}

/**
 * The deleted interviews: loaded when they are looked at, brought back, or erased for good.
 * @module
 */

import { askToConfirm } from "../kit/dialog.js";
import { find, make, show } from "../kit/dom.js";
import { List } from "../kit/list.js";
import { showToast } from "../kit/toast.js";
import { client } from "./entry.js";
import { makeButton } from "./interview_list.js";
import { explainTo, formatDay, troubleOf } from "./words.js";

export class DeletedList {
  #projectId;
  #mayErase;
  #list = new List("deleted");
  #pages = 1;
  /** Of the loading that counts: an older one is overtaken. */
  #turn = 0;
  #part = find("deleted");

  /** @param {string} projectId @param {boolean} mayErase */
  constructor(projectId, mayErase) {
    this.#projectId = projectId;
    this.#mayErase = mayErase;
    show(this.#part);
    this.#part.addEventListener("toggle", () => this.refresh());
  }

  /** As far as somebody looks at it. */
  async refresh() {
    if (!this.#part.open) return;
    const turn = (this.#turn += 1);
    this.#list.showLoading();
    try {
      const { interviews, next } = await this.#load();
      if (turn !== this.#turn) return;
      const onMore = next === null ? null : () => this.#showMore();
      this.#list.showRows(interviews.map((one) => this.#makeRow(one)), { onMore });
    } catch (/** @type {any} */ error) {
      if (turn === this.#turn) this.#list.showError({ ...troubleOf(error), next: { act: () => this.refresh() } });
    }
  }

  #showMore() {
    this.#pages += 1;
    return this.refresh();
  }

  /** As many pages as are looked at. @returns {Promise<{interviews: any[], next: string|null}>} */
  async #load() {
    const found = /** @type {any[]} */ ([]);
    let next = /** @type {string|null} */ (null);
    for (let page = 0; page < this.#pages && (page === 0 || next !== null); page += 1) {
      const answer = await client.interviews(this.#projectId, { deleted: true, before: next ?? undefined });
      found.push(...answer.interviews);
      next = answer.next;
    }
    return { interviews: found, next };
  }

  /** @param {any} interview */
  #makeRow({ id, title, interview_date }) {
    const erase = this.#mayErase
      ? makeButton(`erase-${id}`, "완전히 지우기", title, () => this.#act(() => this.#erase(id, title)))
      : null;
    const restore = makeButton(`restore-${id}`, "되돌리기", title, () => this.#act(() => client.restore(id)));
    return make(
      "li",
      { class: "row" },
      make("span", { class: "row-title" }, title),
      make("p", { class: "hint" }, formatDay(interview_date)),
      make("div", { class: "buttons" }, restore, erase),
    );
  }

  /** @param {() => Promise<any>} work */
  async #act(work) {
    try {
      await work();
    } catch (/** @type {any} */ error) {
      showToast("error", explainTo(error), error.requestId);
    }
    await this.refresh();
  }

  /** @param {string} id @param {string} title */
  async #erase(id, title) {
    const question = {
      title: "완전히 지울까요?",
      text: "원본과 글, 분석 결과를 모두 지워요. 다시 되돌릴 수 없어요.",
      yes: "완전히 지우기",
      look: /** @type {const} */ ("danger"),
      about: title,
    };
    if (!(await askToConfirm(question))) return;
    await client.erase(id);
    showToast("success", "원본과 분석 결과를 모두 지웠어요.");
  }
}

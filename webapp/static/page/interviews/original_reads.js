/**
 * Who read which unmasked original. For admins.
 * @module
 */

import { find, make, show } from "../kit/dom.js";
import { List } from "../kit/list.js";
import { client } from "./entry.js";
import { interviewHash } from "./routes.js";
import { formatMoment, troubleOf } from "./words.js";

export class OriginalReads {
  #projectId;
  #list = new List("reads");
  #rows = /** @type {HTMLElement[]} */ ([]);

  /** @param {string} projectId */
  constructor(projectId) {
    this.#projectId = projectId;
    show(find("reads"));
  }

  /** From the newest on. */
  refresh() {
    return this.#load(null);
  }

  /** @param {number|null} before the page before */
  async #load(before) {
    this.#list.showLoading();
    try {
      const { reads, next } = await client.originalReads(this.#projectId, before);
      const shown = before === null ? [] : this.#rows;
      this.#rows = [...shown, ...reads.map(makeRow)];
      const onMore = next === null ? null : () => this.#load(next);
      this.#list.showRows(this.#rows, { onMore, focusFrom: shown.length > 0 ? shown.length : null });
    } catch (/** @type {any} */ error) {
      this.#list.showError({ ...troubleOf(error), next: { act: () => this.#load(before) } });
    }
  }
}

/** @param {any} read */
function makeRow({ interview_id, title, name, read_at }) {
  const link = make("a", { class: "row-title", href: interviewHash(interview_id) }, title);
  return make("li", { class: "row" }, link, make("p", { class: "hint" }, `${name} · ${formatMoment(read_at)}`));
}

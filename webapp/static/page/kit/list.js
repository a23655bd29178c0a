/**
 * A list and its states: loading, empty, failed, and more to come. The markup is `list` of kit/parts.html.
 * @module
 */

import { find, show } from "./dom.js";
import { showError } from "./error.js";

export class List {
  #id;
  #rows;
  #frame;

  /** @param {string} id @param {{frame?: HTMLElement}} [options] `frame` is hidden while there are no rows */
  constructor(id, { frame } = {}) {
    this.#id = id;
    this.#rows = find(`${id}-rows`);
    this.#frame = frame ?? this.#rows;
  }

  /** Said only while there is nothing to see. */
  showLoading() {
    if (this.#rows.childElementCount > 0) return;
    this.#show({ loading: true });
  }

  /**
   * @param {Node[]} rows @param {{isComplete?: boolean, onMore?: (() => void)|null, focusFrom?: number|null}} [how]
   *   `isComplete` false: that there are none is not certain yet; `onMore` shows the button for more; `focusFrom`: the
   *   first row that was not there before, for the keyboard to go on from
   */
  showRows(rows, { isComplete = true, onMore = null, focusFrom = null } = {}) {
    const focused = document.activeElement;
    const focusedId = this.#rows.contains(focused) ? focused?.id : "";
    this.#rows.replaceChildren(...rows);
    // Rows are made anew: who was on one with the keyboard stays there.
    if (focusedId) document.getElementById(focusedId)?.focus();
    this.#show({ empty: rows.length === 0 && isComplete, rows: rows.length > 0 });
    this.#offerMore(onMore, focusFrom);
  }

  /** What is shown stays; without anything the error stands in its place. @param {import("./error.js").Trouble} trouble */
  showError(trouble) {
    this.#show({ rows: this.#rows.childElementCount > 0 });
    showError(find(`${this.#id}-failed`), trouble);
  }

  #show({ loading = false, empty = false, rows = false }) {
    show(find(`${this.#id}-loading`), loading);
    show(find(`${this.#id}-empty`), empty);
    show(this.#frame, rows);
    showError(find(`${this.#id}-failed`), null);
  }

  #offerMore(onMore, focusFrom) {
    const more = document.getElementById(`${this.#id}-more`);
    if (more) {
      show(more, onMore !== null);
      more.onclick = onMore;
    }
    const next = focusFrom === null ? null : this.#rows.children[focusFrom];
    next?.setAttribute("tabindex", "-1");
    next?.focus();
  }
}

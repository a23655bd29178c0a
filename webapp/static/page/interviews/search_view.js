/**
 * Looks for words in all interviews of the project; each find leads to its utterance.
 * @module
 */

import { find, make, setText, whileBusy } from "../kit/dom.js";
import { Field } from "../kit/field.js";
import { List } from "../kit/list.js";
import { client } from "./entry.js";
import { interviewHash, searchHash } from "./routes.js";
import { troubleOf } from "./words.js";

const LEAST_LETTERS = 2;

export class SearchView {
  #projectId;
  #list = new List("search");
  #field = new Field("search-words");
  #sought = "";
  #isStale = false; // what was found may not be so any more
  #found = /** @type {any[]} */ ([]);
  #foundFor = ""; // the words that what is shown was found for
  #turn = 0;

  /** @param {string} projectId */
  constructor(projectId) {
    this.#projectId = projectId;
    find("search-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  /** @param {string} words as the address says */
  async open(words) {
    if (words === this.#sought && !this.#isStale) return;
    if (words !== this.#sought) this.#field.value = words; // else somebody may be typing
    await this.#search(words);
  }

  /** The next look searches anew. */
  forget() {
    this.#isStale = true;
  }

  #submit() {
    const words = this.#field.value.trim();
    const fault = [...words].length < LEAST_LETTERS ? "두 글자부터 찾을 수 있어요." : "";
    this.#field.setFault(fault);
    if (fault) return this.#field.focus();
    const isNew = searchHash(words) !== location.hash;
    if (isNew) location.hash = searchHash(words);
    else whileBusy(find("search-button"), () => this.#search(words));
  }

  /** From the beginning; what is shown stays until that is answered. @param {string} words */
  async #search(words) {
    this.#sought = words;
    this.#isStale = false;
    this.#turn += 1;
    if (words === "") this.#clear();
    else await this.#load(null);
  }

  /** @param {string|null} after the page before */
  async #load(after) {
    const turn = ++this.#turn; // also of a page that is asked for twice
    this.#list.showLoading();
    try {
      const { results, next } = await client.search(this.#projectId, this.#sought, after);
      if (turn === this.#turn) this.#show(after === null ? [] : this.#found, results, next);
    } catch (/** @type {any} */ error) {
      if (turn !== this.#turn) return;
      if (this.#foundFor !== this.#sought) this.#clear();
      this.#list.showError({ ...troubleOf(error), next: { act: () => this.#load(after) } });
    }
  }

  /** @param {any[]} before of the pages before @param {any[]} results @param {string|null} next */
  #show(before, results, next) {
    const turn = this.#turn;
    this.#found = [...before, ...results];
    this.#foundFor = this.#sought;
    const onMore = next ? () => turn === this.#turn && this.#load(next) : null;
    this.#list.showRows(this.#found.map(makeFind), { onMore, focusFrom: before.length || null });
    const { length } = this.#found;
    setText(find("search-count"), length ? `발화 ${length}${next ? "개 넘게" : "개를"} 찾았어요.` : "");
  }

  #clear() {
    this.#found = [];
    setText(find("search-count"), "");
    this.#list.showRows([], { isComplete: false });
  }
}

/** @param {any} found */
function makeFind({ interview_id: id, title, utterance_id: line, speaker, text, marks, before, after }) {
  return make(
    "li",
    { class: "card" },
    makeContext(before),
    make("p", { class: "hit" }, make("b", {}, speaker), " ", ...markedParts(text, marks)),
    makeContext(after),
    make("p", { class: "hint" }, make("a", { href: interviewHash(id, line) }, `${title} · ${line}번 발화`)),
  );
}

/** @param {any} utterance @returns {Node|null} */
function makeContext(utterance) {
  return utterance ? make("p", { class: "hint" }, `${utterance.speaker} ${utterance.text}`) : null;
}

/** @param {string} text @param {[number, number][]} marks in code points */
function markedParts(text, marks) {
  const letters = [...text];
  const parts = /** @type {(string|Node)[]} */ ([]);
  let at = 0;
  for (const [start, end] of marks) {
    parts.push(letters.slice(at, start).join(""), make("mark", {}, letters.slice(start, end).join("")));
    at = end;
  }
  return [...parts, letters.slice(at).join("")];
}

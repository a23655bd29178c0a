/**
 * Puts a persona's answer together: some apps send it in pieces, others all of it so far each time. Pure.
 * @module
 */

export class AnswerText {
  #parts = /** @type {string[]} */ ([]);
  #isCumulative = true; // as long as each part begins with the one before

  /** @param {string} part */
  add(part) {
    if (part === "") return; // it says nothing, and would pass for a piece that does not go on from the last
    const last = this.#parts.at(-1);
    if (last !== undefined && !part.startsWith(last)) this.#isCumulative = false;
    this.#parts.push(part);
  }

  /** Moderation: this stands in the place of all before. @param {string} text */
  replace(text) {
    this.#parts = [text];
    this.#isCumulative = true;
  }

  get text() {
    return this.#isCumulative ? (this.#parts.at(-1) ?? "") : this.#parts.join("");
  }
}

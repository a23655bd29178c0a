/**
 * Passages: ranges of a script's utterances, by the script's own numbers. Pure.
 * @module
 */

/** @typedef {import("./reading.js").Utterance} Utterance */
/** The places of its first and last utterance in the script. @typedef {{first: number, last: number}} Passage */

const MOST_TAGS = 10;
const TAG_MAX = 40;

/** Where an utterance with this number stands, -1 where none has it. @param {Utterance[]} utterances @param {number} number */
const indexOf = (utterances, number) => utterances.findIndex(({ numbers }) => numbers.includes(number));

/** @param {Utterance[]} utterances @param {any} highlight @returns {Passage|null} null: the script has it no more */
export function passageOf(utterances, { first_utterance_id, last_utterance_id }) {
  const [first, last] = [indexOf(utterances, first_utterance_id), indexOf(utterances, last_utterance_id)];
  return first < 0 || last < first ? null : { first, last };
}

/** What a passage becomes when an utterance is picked: it grows to one outside of it, ends at one within it, and goes
 * when its only one is picked again.
 * @param {Passage|null} passage @param {number} index @returns {Passage|null} */
export function pick(passage, index) {
  if (passage === null) return { first: index, last: index };
  const { first, last } = passage;
  if (index === first && index === last) return null;
  return index < first ? { first: index, last } : { first, last: index };
}

/** @param {Utterance[]} utterances @param {Passage} passage @returns {[first: number, last: number]} as the API takes them */
export function numbersOf(utterances, { first, last }) {
  return [utterances[first].numbers[0], /** @type {number} */ (utterances[last].numbers.at(-1))];
}

/** @param {Utterance[]} utterances @param {Passage} passage */
export const namePassage = (utterances, passage) => nameRange(...numbersOf(utterances, passage));

/** @param {number} first @param {number} last */
export function nameRange(first, last) {
  return first === last ? `${first}번 발화` : `${first}–${last}번 발화`;
}

/** @param {Utterance[]} utterances @param {Passage} passage */
export function textOfPassage(utterances, { first, last }) {
  return utterances.slice(first, last + 1).map(({ speaker, text }) => (speaker ? `${speaker}: ${text}` : text)).join("\n");
}

/** @param {string} text as typed, with commas between @returns {string[]} each once */
export function tagsOf(text) {
  const tags = text.split(",").map((tag) => tag.trim().replace(/\s+/g, " "));
  return [...new Set(tags.filter(Boolean))];
}

/** @param {string[]} tags @returns {string} what is wrong with them, or "" */
export function faultOfTags(tags) {
  if (tags.length > MOST_TAGS) return `태그는 ${MOST_TAGS}개까지 적을 수 있어요.`;
  return tags.some((tag) => [...tag].length > TAG_MAX) ? `태그 하나는 ${TAG_MAX}자까지 적을 수 있어요.` : "";
}

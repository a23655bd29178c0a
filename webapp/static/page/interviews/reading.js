/**
 * Reads an analysis as models write it: texts, points with their quotes, facts; whatever has another shape is left out
 * or shown as text. Pure.
 * @module
 */

/** `line`: the number of the utterance; null where the quote was not found.
 * @typedef {{text: string, line: number|null}} Quote */
/** @typedef {{number: number, numbers: number[], speaker: string, category: string, text: string}} Utterance */

const TEXT_KEYS = ["text", "description", "question", "summary", "content"];
/** @type {Record<string, string>} */
const FACT_NAMES = {
  topic: "주제",
  topics: "주제",
  objective: "목적",
  lines: "발화 수",
  total_lines: "발화 수",
  speakers: "화자",
  speaker: "화자",
  keywords: "자주 나온 말",
  summary: "요약",
  score: "점수",
  comment: "평가",
  answers: "답변 수",
  questions: "질문 수",
};

/** @param {any} value @returns {any[]} */
const listOf = (value) => (Array.isArray(value) ? value : value === null || value === undefined ? [] : [value]);

/** @param {any} value @returns {string} */
export function textOf(value) {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.map(textOf).filter(Boolean).join(", ");
  if (typeof value !== "object") return String(value).trim();
  const key = TEXT_KEYS.find((name) => typeof value[name] === "string");
  return key ? value[key].trim() : "";
}

/** @param {any} value @returns {string[]} */
export function textsOf(value) {
  return listOf(value).map(textOf).filter(Boolean);
}

/** @param {any} value an object @returns {[name: string, text: string][]} */
export function factsOf(value) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return [];
  const facts = Object.entries(value).map(([key, what]) => /** @type {[string, string]} */ ([FACT_NAMES[key] ?? key, textOf(what)]));
  return facts.filter(([, text]) => text !== "");
}

/** @param {any} script @returns {Utterance[]} */
export function utterancesOf(script) {
  return listOf(script)
    .filter((one) => one !== null && typeof one === "object")
    .map((one, index) => {
      const numbers = listOf(one.id).map(Number).filter(Number.isInteger);
      return {
        number: numbers[0] ?? index + 1,
        numbers: numbers.length ? numbers : [index + 1],
        speaker: textOf(one.speaker),
        category: textOf(one.category),
        text: textOf(one.cleaned_sentence),
      };
    })
    .filter(({ text }) => text !== "");
}

/** @param {any} value points, each with its evidence @param {Utterance[]} utterances
 * @returns {{text: string, quotes: Quote[]}[]} */
export function pointsOf(value, utterances) {
  const points = listOf(value).map((one) => ({ text: textOf(one), quotes: quotesOf(one?.evidence, utterances) }));
  return points.filter(({ text }) => text !== "");
}

/** Evidence that the server has looked up, or a model's words. @param {any} evidence @param {Utterance[]} utterances
 * @returns {Quote[]} */
export function quotesOf(evidence, utterances) {
  const quotes = listOf(evidence).map((one) => {
    if (typeof one === "string") return { text: one.trim(), line: lineOf(one, utterances) };
    const [line = null] = one?.verified ? listOf(one.utterance_ids) : [];
    return { text: textOf(one?.quote), line };
  });
  return quotes.filter(({ text }) => text !== "");
}

/** @param {string} quote some begin with the utterance's number @param {Utterance[]} utterances */
function lineOf(quote, utterances) {
  const words = quote.replace(/^\s*\d+\s*:\s*/, "").trim();
  return utterances.find(({ text }) => text.includes(words))?.number ?? null;
}

/** The name of the part of the script that begins at each number. @param {any} sections @returns {Map<number, string>} */
export function partsOf(sections) {
  const named = listOf(sections).filter((one) => Number.isInteger(one?.start_line) && textOf(one?.sector_name));
  return new Map(named.map((one) => [one.start_line, textOf(one.sector_name)]));
}

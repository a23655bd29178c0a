/**
 * Draws an analysis: what was found, each with quotes that lead to the utterance, and the whole script.
 * @module
 */

import { make } from "../kit/dom.js";
import { factsOf, partsOf, pointsOf, quotesOf, textsOf, utterancesOf } from "./reading.js";

/** @typedef {import("./reading.js").Quote} Quote */
/** @typedef {(number: number) => string} HrefOf where a quote leads */

/** @param {any} interview whole @param {HrefOf} hrefOf @param {boolean} isPickable whether utterances can be picked by
 * their number @returns {Node[]} */
export function makeAnalysis(interview, hrefOf, isPickable) {
  const utterances = utterancesOf(interview.cleaned_script);
  const draw = (/** @type {any} */ value) =>
    pointsOf(value, utterances).map(({ text, quotes }) => makePoint(text, quotes, hrefOf));
  return [
    makeList("핵심 내용", takeawaysOf(interview, utterances).map(({ text, quotes }) => makePoint(text, quotes, hrefOf))),
    makeList("불편한 점", draw(interview.primary_pain_points)),
    makeList("바라는 점", draw(interview.primary_needs)),
    makeList("어떻게 하면 좋을까요?", textsOf(interview.hmw_questions).map((text) => make("li", {}, text))),
    makeFacts("인터뷰 대상자", interview.interviewee_profile),
    makeFacts("인터뷰 정보", interview.session_info),
    makeFacts("인터뷰의 질", interview.interview_quality_assessment),
    makeScript(utterances, partsOf(interview.script_sections), isPickable),
    utterances.length === 0 ? makeText(interview.masked_text) : null,
  ].filter((part) => part !== null);
}

/** Where an utterance stands on the page. @param {number} number */
export const utteranceId = (number) => `utterance-${number}`;

/** @param {any} interview @param {import("./reading.js").Utterance[]} utterances */
function takeawaysOf({ key_takeaways, takeaway_evidence }, utterances) {
  return textsOf(key_takeaways).map((text, index) => ({ text, quotes: quotesOf(takeaway_evidence?.[index], utterances) }));
}

/** @param {string} title @param {Node[]} items @param {string} [tag] */
function makeList(title, items, tag = "ul") {
  return items.length ? make("section", {}, make("h3", {}, title), make(tag, { class: "points" }, ...items)) : null;
}

/** @param {string} text @param {Quote[]} quotes @param {HrefOf} hrefOf */
function makePoint(text, quotes, hrefOf) {
  return make("li", {}, text, ...quotes.map((quote) => makeQuote(quote, hrefOf)));
}

/** @param {Quote} quote @param {HrefOf} hrefOf @param {string} [where] what stands before the utterance's number */
export function makeQuote({ text, line }, hrefOf, where = "") {
  const words = `“${text}”`;
  if (line === null)
    return make("blockquote", { class: "quote" }, words, make("span", { class: "hint" }, " 원문에서 찾지 못함"));
  const link = make("a", { href: hrefOf(line) }, words, make("span", { class: "hint" }, ` ${where}${line}번 발화`));
  return make("blockquote", { class: "quote" }, link);
}

/** @param {string} title @param {any} value */
function makeFacts(title, value) {
  const facts = factsOf(value);
  if (!facts.length) return null;
  const pairs = facts.map(([name, text]) => make("div", {}, make("dt", {}, name), make("dd", {}, text)));
  return make("section", {}, make("h3", {}, title), make("dl", { class: "pairs" }, ...pairs));
}

/** @param {import("./reading.js").Utterance[]} utterances @param {Map<number, string>} parts @param {boolean} isPickable */
function makeScript(utterances, parts, isPickable) {
  if (!utterances.length) return null;
  const items = utterances.flatMap((one) => {
    const name = one.numbers.map((number) => parts.get(number)).find(Boolean);
    return [name ? make("li", { class: "part" }, make("h4", {}, name)) : null, makeUtterance(one, isPickable)];
  });
  return make("section", { class: "script" }, make("h3", {}, "스크립트"), make("ol", { class: "plain" }, ...items.filter((item) => item !== null)));
}

/** @param {import("./reading.js").Utterance} utterance @param {boolean} isPickable */
function makeUtterance({ number, numbers, speaker, category, text }, isPickable) {
  const others = numbers.slice(1).map((other) => make("span", { id: utteranceId(other) }));
  return make(
    "li",
    { id: utteranceId(number), class: "utterance", tabIndex: -1 },
    ...others,
    isPickable ? makePick(number) : make("span", { class: "number" }, String(number)),
    make("p", {}, make("b", {}, speaker), " ", text, " ", category ? make("span", { class: "chip" }, category) : null),
  );
}

/** @param {number} number */
function makePick(number) {
  const said = make("span", { class: "sr" }, "번 발화 고르기");
  const state = { tabIndex: -1, "aria-pressed": "false" };
  return make("button", { id: `pick-${number}`, type: "button", class: "number", ...state }, String(number), said);
}

/** @param {string|null} text */
function makeText(text) {
  return text ? make("section", {}, make("h3", {}, "글"), make("p", { class: "whole-text" }, text)) : null;
}

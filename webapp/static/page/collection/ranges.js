/**
 * Reference ranges: read from what the checkup itself says, or from the national standard. Pure.
 * @module
 */

/**
 * `Open`: the limit itself is outside.
 * @typedef {{low: number|null, high: number|null, lowOpen: boolean, highOpen: boolean}} Range
 */

/**
 * The limits of "정상 A" in the national health checkup (국가건강검진): 보건복지부 고시 「건강검진 실시기준」, 별표 「건강검진
 * 결과 판정기준」. In the provider's own notation, so that one reader serves both.
 */
export const STANDARD = Object.freeze({
  체질량지수: "18.5-24.9",
  허리둘레: "남 90미만/여 85미만",
  "혈압(최고/최저)": "120미만/80미만",
  혈색소: "남 13-16.5/여 12-15.5",
  공복혈당: "100미만",
  총콜레스테롤: "200미만",
  HDL콜레스테롤: "60이상",
  중성지방: "150미만",
  LDL콜레스테롤: "130미만",
  혈청크레아티닌: "1.5이하",
  신사구체여과율: "60이상",
  "AST(SGOT)": "40이하",
  "ALT(SGPT)": "35이하",
  "감마지티피(γ-GTP)": "남 11-63/여 8-35",
});

const plain = (name) =>
  String(name ?? "")
    .replace(/\s/g, "")
    .toLowerCase();

/** The text of the normal range that stands in a checkup, or null. @param {any} raw @param {string} itemName */
export function referenceText(raw, itemName) {
  const items = (raw?.Inspections ?? [])
    .flatMap((group) => group.Illnesses ?? [])
    .flatMap((illness) => illness.Items ?? []);
  const item = items.find(({ Name }) => plain(Name) === plain(itemName));
  // "정상B" is the border zone.
  const normal = (item?.ItemReferences ?? []).find(({ Name }) => /^정상(\(?a\)?)?$/.test(plain(Name)));
  return normal?.Value || null;
}

/**
 * @param {string|null} text such as `18.5-24.9`, `100미만`, `남 90미만/여 85미만`, `120미만/80미만`
 * @param {{gender?: string|null, part?: number}} [which] the person's sex (`M`/`F`), and which of a pair
 * @returns {Range|null} null where the text gives none, or one for each sex and the sex is not known
 */
export function parseRange(text, { gender = null, part = 0 } = {}) {
  const parts = String(text ?? "")
    .split("/")
    .map((piece) => piece.trim());
  const bySex = parts.filter((piece) => /^[남여]/.test(piece));
  if (bySex.length === 0) return parseLimits(parts[part] ?? parts[0]);
  const own = bySex.find((piece) => piece.startsWith(gender === "M" ? "남" : "여"));
  return gender && own ? parseLimits(own) : null;
}

function parseLimits(text) {
  const range = { low: null, high: null, lowOpen: false, highOpen: false };
  const between = text.match(/(\d+(?:\.\d+)?)\s*[-~∼]\s*(\d+(?:\.\d+)?)/);
  if (between) return { ...range, low: Number(between[1]), high: Number(between[2]) };
  for (const [, number, word] of text.matchAll(/(\d+(?:\.\d+)?)\s*(미만|이하|이상|초과)/g)) {
    if (word === "미만" || word === "이하") Object.assign(range, { high: Number(number), highOpen: word === "미만" });
    else Object.assign(range, { low: Number(number), lowOpen: word === "초과" });
  }
  return range.low === null && range.high === null ? null : range;
}

/** @param {number} value @param {Range} range @returns {"inside"|"above"|"below"} */
export function place(value, range) {
  if (range.high !== null && (range.highOpen ? value >= range.high : value > range.high)) return "above";
  if (range.low !== null && (range.lowOpen ? value <= range.low : value < range.low)) return "below";
  return "inside";
}

/** @param {Range|null} range @param {string} unit */
export function describeRange(range, unit) {
  if (!range) return "";
  const low = range.low === null ? "" : `${range.low}${range.high === null ? (range.lowOpen ? " 초과" : " 이상") : ""}`;
  const high =
    range.high === null ? "" : `${range.high}${range.low === null ? (range.highOpen ? " 미만" : " 이하") : ""}`;
  return `${low}${low && high ? "–" : ""}${high} ${unit}`.trim();
}

/**
 * The weights at which a body of this height has a BMI within the range.
 * @param {Range|null} bmi @param {number|null} heightCm
 */
export function weightRange(bmi, heightCm) {
  if (!bmi || !heightCm) return null;
  const kilograms = (limit) => (limit === null ? null : Math.round(limit * (heightCm / 100) ** 2 * 10) / 10);
  return { ...bmi, low: kilograms(bmi.low), high: kilograms(bmi.high) };
}

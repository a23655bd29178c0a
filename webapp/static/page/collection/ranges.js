/**
 * Reference ranges: read from what the checkup itself says, or from the national standard. Pure.
 * @module
 */

/**
 * `Open`: the limit itself is outside.
 * @typedef {{low: number|null, high: number|null, lowOpen: boolean, highOpen: boolean}} Range
 */

/**
 * What is normal, and from where on a disease is suspected; what lies between is the border.
 * @typedef {{normal: Range|null, suspect: Range|null}} Zones
 * @typedef {"normal"|"border"|"suspect"} Zone
 */

/**
 * The national health checkup's (국가건강검진) own criteria, "정상 A" and "질환의심": 보건복지부 고시 「건강검진 실시기준」, 별표
 * 「건강검진 결과 판정기준」. In the provider's own notation, so that one reader serves both. They differ by sex, none of
 * them by age.
 */
export const STANDARD = Object.freeze({
  체질량지수: { normal: "18.5-24.9", suspect: "30이상" },
  허리둘레: { normal: "남 90미만/여 85미만", suspect: "남 90이상/여 85이상" },
  "혈압(최고/최저)": { normal: "120미만/80미만", suspect: "140이상/90이상" },
  혈색소: { normal: "남 13-16.5/여 12-15.5", suspect: "남 12미만/여 10미만" },
  공복혈당: { normal: "100미만", suspect: "126이상" },
  총콜레스테롤: { normal: "200미만", suspect: "240이상" },
  HDL콜레스테롤: { normal: "60이상", suspect: "40미만" },
  중성지방: { normal: "150미만", suspect: "200이상" },
  LDL콜레스테롤: { normal: "130미만", suspect: "160이상" },
  혈청크레아티닌: { normal: "1.5이하", suspect: "1.5초과" },
  신사구체여과율: { normal: "60이상", suspect: "60미만" },
  "AST(SGOT)": { normal: "40이하", suspect: "51이상" },
  "ALT(SGPT)": { normal: "35이하", suspect: "46이상" },
  "감마지티피(γ-GTP)": { normal: "남 11-63/여 8-35", suspect: "남 78이상/여 46이상" },
});

// "정상B" is the border zone.
const NAMES = { normal: /^정상(\(?a\)?)?$/, suspect: /^질환의심$/ };

const plain = (name) =>
  String(name ?? "")
    .replace(/\s/g, "")
    .toLowerCase();

/**
 * What a checkup itself states for a column, of the item that is read into it, however its centre spells its name.
 * @param {any[]} items @param {string} column @param {{gender?: string|null, part?: number}} which as for `parseRange`
 * @returns {Zones|null} null where it states nothing
 */
export function servedZones(items, column, which) {
  const own = items.filter(({ columns = [] }) => columns.includes(column));
  return own.map(({ references }) => zonesIn((zone) => servedText(references ?? [], zone), which)).find(isStated) ?? null;
}

/** @param {string} item @param {{gender?: string|null, part?: number}} which @returns {Zones} */
export function standardZones(item, which) {
  return zonesIn((zone) => STANDARD[item]?.[zone], which);
}

function zonesIn(textOf, which) {
  return { normal: parseRange(textOf("normal"), which), suspect: parseRange(textOf("suspect"), which) };
}

const isStated = ({ normal, suspect }) => normal !== null || suspect !== null;

/** @param {{name: string, value: string}[]} references @param {"normal"|"suspect"} zone */
export function servedText(references, zone) {
  return references.find(({ name }) => NAMES[zone].test(plain(name)))?.value || null;
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

/**
 * Where a suspect range is not known, whatever is not normal is told as the border: nobody is to be frightened by a guess.
 * @param {number} value @param {Zones} zones @returns {Zone|null} null where nothing is known
 */
export function zoneOf(value, { normal, suspect }) {
  if (suspect && place(value, suspect) === "inside") return "suspect";
  if (!normal) return null;
  return place(value, normal) === "inside" ? "normal" : "border";
}

// By the same criteria; their references are in numbers that the insurer does not serve.
const BONES = Object.freeze({ 골감소증: "border", 골다공증: "suspect" });

// The same words keep a value out of the report (upstream/absence.py).
const NOT_EXAMINED = new Set(
  `
    비해당 미해당 해당없음 해당사항없음 해당안됨 미실시 미시행 미검사 미측정 미수검 미검 비대상 대상아님 검사대상아님 검사안함 검사하지않음 검사없음 검사제외 실시안함 시행안함 측정안함 수검안함 실시하지않음
    시행하지않음 측정하지않음 거부 본인거부 수검거부 검사거부 측정거부 검사불가 측정불가 검사불능 측정불능 검사면제 결과없음 none null
  `
    .trim()
    .split(/\s+/),
);

const PLACEHOLDER = /^([-–—.]+|n\/a|n\.a\.)$/;

/** Also with a remark in brackets, and where both sides of a pair say so. @param {string} said */
function isAbsent(said) {
  const folded = said.normalize("NFKC");
  const sides = folded.split("(", 1)[0].split("/");
  const isWord = (/** @type {string} */ side) => NOT_EXAMINED.has(side.replace(/[^\p{L}\p{N}]/gu, ""));
  return folded === "" || PLACEHOLDER.test(folded) || sides.every(isWord);
}

/**
 * A result in words, by the words that the checkup gives for each zone.
 * @param {string} value @param {{name: string, value: string}[]} references @returns {Zone|null} null for what was not
 *   looked at, and where the checkup gives no words
 */
export function zoneOfWords(value, references) {
  const said = plain(value);
  if (isAbsent(said)) return null;
  const normal = words(servedText(references, "normal"));
  if (said === "정상" || normal.includes(said)) return "normal";
  if (BONES[said]) return BONES[said];
  if (normal.length === 0 || normal.some((word) => /\d/.test(word))) return null;
  const suspect = words(servedText(references, "suspect"));
  return suspect.some((word) => said === word || said.startsWith(`${word}(`)) ? "suspect" : "border";
}

const words = (text) =>
  String(text ?? "")
    .split(/[,·]/)
    .map(plain)
    .filter(Boolean);

/** @param {(Zone|null)[]} zones @returns {Zone|null} */
export function worstOf(zones) {
  return /** @type {const} */ (["suspect", "border", "normal"]).find((zone) => zones.includes(zone)) ?? null;
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

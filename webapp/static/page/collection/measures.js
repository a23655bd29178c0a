/**
 * From stored checkups to what a chart shows: points, ranges, the newest value and its judgement. Pure.
 * @module
 */

import { isToldByColumns } from "../../sdk/collection/items.js";
import {
  parseRange,
  place,
  servedText,
  servedZones,
  standardZones,
  weightRange,
  worstOf,
  zoneOf,
  zoneOfWords,
} from "./ranges.js";

/**
 * `x`: the year, with its fraction. `zones`: what its own checkup states, else the standard ones.
 * @typedef {{x: number, y: number, date: string, location: string, zones: import("./ranges.js").Zones}} Point
 */
/** `zones`: of the newest point. @typedef {{label: string, points: Point[], zones: import("./ranges.js").Zones}} Series */
/** @typedef {{key: string, title: string, unit: string, digits: number, series: Series[]}} Measure */

const one = (key, title, unit, item, digits = 0) => ({ key, title, unit, item, digits, fields: [[key, title]] });

const GROUPS = [
  {
    title: "체중과 비만도",
    measures: [
      one("weight_kg", "체중", "kg", "체중", 1),
      one("bmi", "체질량지수(BMI)", "kg/m²", "체질량지수", 1),
      one("waist_cm", "허리둘레", "cm", "허리둘레", 1),
    ],
  },
  {
    title: "혈압과 혈당",
    measures: [
      {
        key: "blood_pressure",
        title: "혈압",
        unit: "mmHg",
        item: "혈압(최고/최저)",
        digits: 0,
        fields: [
          ["systolic_mmhg", "수축기(최고)"],
          ["diastolic_mmhg", "이완기(최저)"],
        ],
      },
      one("fasting_glucose_mg_dl", "공복혈당", "mg/dL", "공복혈당"),
    ],
  },
  {
    title: "콜레스테롤",
    measures: [
      one("total_cholesterol_mg_dl", "총콜레스테롤", "mg/dL", "총콜레스테롤"),
      one("ldl_mg_dl", "LDL 콜레스테롤", "mg/dL", "LDL콜레스테롤"),
      one("hdl_mg_dl", "HDL 콜레스테롤", "mg/dL", "HDL콜레스테롤"),
      one("triglycerides_mg_dl", "중성지방", "mg/dL", "중성지방"),
    ],
  },
  {
    title: "간",
    measures: [
      one("ast_u_l", "AST(SGOT)", "U/L", "AST(SGOT)"),
      one("alt_u_l", "ALT(SGPT)", "U/L", "ALT(SGPT)"),
      one("gamma_gtp_u_l", "감마지티피(γ-GTP)", "U/L", "감마지티피(γ-GTP)"),
    ],
  },
  {
    title: "콩팥과 빈혈",
    measures: [
      one("creatinine_mg_dl", "혈청 크레아티닌", "mg/dL", "혈청크레아티닌", 2),
      one("gfr", "신사구체여과율(eGFR)", "mL/min", "신사구체여과율"),
      one("hemoglobin_g_dl", "혈색소", "g/dL", "혈색소", 1),
    ],
  },
];

/**
 * @param {any[]} checkups as stored @param {string|null} gender `M`, `F` or null
 * @returns {{title: string, measures: Measure[]}[]} without what was never measured
 */
export function groupMeasures(checkups, gender) {
  const oldestFirst = checkups.filter((item) => timeOf(item) !== null).sort((a, b) => timeOf(a) - timeOf(b));
  return GROUPS.map(({ title, measures }) => ({
    title,
    measures: measures
      .map((kind) => fill(kind, oldestFirst, gender))
      .filter(({ series }) => series.some(({ points }) => points.length > 0)),
  })).filter(({ measures }) => measures.length > 0);
}

function fill({ key, title, unit, item, digits, fields }, checkups, gender) {
  const height = checkups.map(heightOf).filter((value) => value > 0).at(-1) ?? null;
  const series = fields.map(([field, label], part) => {
    const points = pointsOf(checkups, field, (checkup) => zonesOf(checkup, { item, field, gender, part, height }));
    return { label, points, zones: points.at(-1)?.zones ?? standardZones(item, { gender, part }) };
  });
  return { key, title, unit, digits, series };
}

/** A value that was not measured is absent: never 0, never a line through nothing. */
function pointsOf(checkups, field, zonesIn) {
  return checkups.flatMap((checkup) => {
    const value = checkup[field];
    if (value === null || value === undefined || value === "" || !Number.isFinite(Number(value))) return [];
    const location = checkup.location ?? "";
    return [{ x: timeOf(checkup), y: Number(value), date: dateText(checkup), location, zones: zonesIn(checkup) }];
  });
}

const heightOf = ({ height_cm }) => Number(height_cm);

/** Both of one source: another checkup's limits are another laboratory's. `height` is for a checkup without one.
 * @returns {import("./ranges.js").Zones} */
function zonesOf(checkup, { item, field, gender, part, height }) {
  if (item === "체중") {
    const { normal, suspect } = zonesOf(checkup, { item: "체질량지수", field: "bmi", gender, part: 0, height });
    const own = heightOf(checkup) > 0 ? heightOf(checkup) : height;
    return { normal: weightRange(normal, own), suspect: weightRange(suspect, own) };
  }
  return servedZones(checkup.items ?? [], field, { gender, part }) ?? standardZones(item, { gender, part });
}

const CHARTED = new Set(
  GROUPS.flatMap(({ measures }) => measures.flatMap(({ fields }) => fields.map(([field]) => field))),
);

/**
 * What no chart shows: words, pairs, and items that have no chart; each from the newest checkup that says something.
 * @param {any[]} checkups as stored
 * @returns {{name: string, value: string, date: string, zone: import("./ranges.js").Zone|null}[]}
 */
export function otherResults(checkups) {
  const newestFirst = checkups.filter((item) => timeOf(item) !== null).sort((a, b) => timeOf(b) - timeOf(a));
  const found = new Map();
  for (const checkup of newestFirst) {
    for (const item of checkup.items ?? []) {
      const { name, value, number, unit, references } = item;
      if (!value || found.has(name) || isToldByColumns(item, checkup, (column) => CHARTED.has(column))) continue;
      const told = number === null ? value : `${value} ${unit}`.trim();
      const zone = number === null ? zoneOfWords(value, references ?? []) : zoneOfNumber(number, references ?? []);
      found.set(name, { name, value: told, date: dateText(checkup), zone });
    }
  }
  return [...found.values()];
}

function zoneOfNumber(number, references) {
  const rangeOf = (zone) => parseRange(servedText(references, zone));
  return zoneOf(number, { normal: rangeOf("normal"), suspect: rangeOf("suspect") });
}

function timeOf({ checkup_date, year }) {
  const [, y, month, day] = String(checkup_date ?? "").match(/^(\d{4})-(\d{2})-(\d{2})/) ?? [];
  if (y) return Number(y) + (Number(month) - 1) / 12 + (Number(day) - 1) / 366;
  return Number(year) > 0 ? Number(year) + 0.5 : null;
}

function dateText({ checkup_date, year }) {
  return checkup_date ? checkup_date.slice(0, 10).replaceAll("-", ".") : `${year}년`;
}

/**
 * @param {Measure} measure
 * @returns {{value: string, change: string, zone: import("./ranges.js").Zone|null, side: "inside"|"above"|"below"|null,
 *   date: string}} `zone` and `side` are of the worse of a pair
 */
export function newestOf({ series, digits }) {
  const newest = series
    .flatMap(({ points }) => points.slice(-1))
    .reduce((latest, point) => (point.x > latest.x ? point : latest));
  // A pair is one reading: both values of the newest day, or the half that was read on it.
  const judged = series.flatMap(({ label, points }) => {
    const point = points.filter(({ x }) => x === newest.x).at(-1);
    return point ? [{ label, y: point.y, zones: point.zones, zone: zoneOf(point.y, point.zones) }] : [];
  });
  const isHalf = judged.length < series.length;
  const zone = worstOf(judged.map((one) => one.zone));
  const worst = judged.find((one) => one.zone === zone);
  return {
    value: judged.map(({ label, y }) => (isHalf ? `${label} ` : "") + y.toFixed(digits)).join("/"),
    change: series.length > 1 ? "" : changeText(series[0].points, digits),
    zone,
    side: zone && worst?.zones.normal ? place(worst.y, worst.zones.normal) : null,
    date: newest.date,
  };
}

/**
 * What the newest values say beyond the normal, the worst first.
 * @param {{title: string, measures: Measure[]}[]} groups
 * @returns {{measure: Measure, newest: ReturnType<typeof newestOf>}[]}
 */
export function notableOf(groups) {
  const judged = groups.flatMap(({ measures }) => measures.map((measure) => ({ measure, newest: newestOf(measure) })));
  return ["suspect", "border"].flatMap((zone) => judged.filter(({ newest }) => newest.zone === zone));
}

/**
 * What the insurer itself says of each checkup, newest first.
 * @param {any[]} checkups as stored
 * @returns {{date: string, location: string, verdict: string, advice: string, zone: import("./ranges.js").Zone|null}[]}
 */
export function verdictsOf(checkups) {
  return [...checkups]
    .sort((a, b) => (timeOf(b) ?? 0) - (timeOf(a) ?? 0))
    .filter(({ code, description }) => code || description)
    .map((checkup) => ({
      date: dateText(checkup),
      location: checkup.location ?? "",
      verdict: checkup.code ?? "",
      advice: checkup.description ?? "",
      zone: zoneOfVerdict(checkup.code ?? ""),
    }));
}

/** Several may stand in one, as "정상B, 질환의심"; a known disease is no suspicion. */
function zoneOfVerdict(code) {
  if (/의심/.test(code)) return "suspect";
  if (/B|경계/.test(code)) return "border";
  return /^정상/.test(code.trim()) ? "normal" : null;
}

function changeText(points, digits) {
  if (points.length < 2) return "";
  const change = points.at(-1).y - points.at(-2).y;
  if (Math.abs(change) < 0.5 * 10 ** -digits) return "직전과 같아요";
  return `직전보다 ${change > 0 ? "+" : "−"}${Math.abs(change).toFixed(digits)}`;
}

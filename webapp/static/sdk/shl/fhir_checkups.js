/**
 * Stored checkups as FHIR R4 observations: what is measured with LOINC and UCUM, all else in the insurer's words.
 * @module
 */

import { isToldByColumns } from "../collection/items.js";
import { concept, effective, entry, LOINC, referenceTo, textOf, UCUM } from "./fhir_elements.js";

/** @typedef {import("./fhir_elements.js").Entry} Entry */
/** @typedef {{column: string, code: string|null, text: string, unit: string, shown?: string, isVital?: boolean}} Measured */

const CATEGORIES = "http://terminology.hl7.org/CodeSystem/observation-category";
const ABSENT_REASONS = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
// The insurer does not say why it left the other half out.
const UNKNOWN = { code: "unknown", text: "알 수 없음" };
const [VITAL, LABORATORY, EXAM] = ["vital-signs", "laboratory", "exam"];
const WHOLE_DAY = /^\d{4}-\d{2}-\d{2}$/;
/** @type {Measured[]} */
const MEASURED = [
  { column: "height_cm", code: "8302-2", text: "신장", unit: "cm", isVital: true },
  { column: "weight_kg", code: "29463-7", text: "체중", unit: "kg", isVital: true },
  { column: "bmi", code: "39156-5", text: "체질량지수", unit: "kg/m2", shown: "kg/m²", isVital: true },
  { column: "waist_cm", code: "8280-0", text: "허리둘레", unit: "cm", isVital: true },
  { column: "fasting_glucose_mg_dl", code: "1558-6", text: "공복혈당", unit: "mg/dL" },
  { column: "total_cholesterol_mg_dl", code: "2093-3", text: "총콜레스테롤", unit: "mg/dL" },
  { column: "hdl_mg_dl", code: "2085-9", text: "HDL 콜레스테롤", unit: "mg/dL" },
  { column: "ldl_mg_dl", code: "2089-1", text: "LDL 콜레스테롤", unit: "mg/dL" },
  { column: "triglycerides_mg_dl", code: "2571-8", text: "중성지방", unit: "mg/dL" },
  { column: "hemoglobin_g_dl", code: "718-7", text: "혈색소", unit: "g/dL" },
  { column: "creatinine_mg_dl", code: "2160-0", text: "혈청 크레아티닌", unit: "mg/dL" },
  // By which formula is not told, and LOINC has a code for each.
  { column: "gfr", code: null, text: "신사구체여과율(eGFR)", unit: "mL/min" },
  { column: "ast_u_l", code: "1920-8", text: "AST(SGOT)", unit: "U/L" },
  { column: "alt_u_l", code: "1742-6", text: "ALT(SGPT)", unit: "U/L" },
  { column: "gamma_gtp_u_l", code: "2324-2", text: "감마지티피(γ-GTP)", unit: "U/L" },
];
const PRESSURE = { code: "85354-9", text: "혈압" };
const PRESSURES = [
  { column: "systolic_mmhg", code: "8480-6", text: "수축기 혈압" },
  { column: "diastolic_mmhg", code: "8462-4", text: "이완기 혈압" },
];

/**
 * @param {any} checkup as stored @param {Entry} patient @param {Entry} performer where it was, or the insurer
 * @returns {{vitals: Entry[], results: Entry[]}}
 */
export function observationsOf(checkup, patient, performer) {
  const shared = { status: "final", subject: referenceTo(patient), ...effective(dayOf(checkup)), performer: [referenceTo(performer)] };
  const make = (/** @type {any} */ facts) => entry({ resourceType: "Observation", ...shared, ...facts });
  // R4 wants the day of a vital sign: of a checkup that tells its year alone they stand among the other results.
  const isVitalKnown = WHOLE_DAY.test(dayOf(checkup));
  const told = MEASURED.filter(({ column }) => isNumber(checkup[column]));
  const measured = (/** @type {boolean} */ isVital) =>
    told
      .filter((one) => Boolean(one.isVital) === isVital)
      .map((one) => make(measurement(one, Number(checkup[one.column]), categoryOf(one, isVitalKnown))));
  const vitals = [...measured(true), ...pressureOf(checkup, isVitalKnown ? VITAL : EXAM).map(make)];
  const results = [...measured(false), ...wordsOf(checkup).map(make)];
  return isVitalKnown ? { vitals, results } : { vitals: [], results: [...vitals, ...results] };
}

/** @param {any} checkup @returns {string} `2024-03-02`, `2024`, or nothing */
export function dayOf({ checkup_date, year }) {
  return textOf(checkup_date) || (year ? String(year) : "");
}

/** What one sees of an observation. @param {import("./fhir_elements.js").Resource} observation */
export function lineOf({ effectiveDateTime, code, valueQuantity, valueString, component }) {
  const quantity = (/** @type {any} */ { value, unit }) => `${value} ${unit}`;
  const half = (/** @type {any} */ part) => (part.valueQuantity ? quantity(part.valueQuantity) : part.dataAbsentReason.text);
  const parts = component?.map((/** @type {any} */ part) => `${part.code.text} ${half(part)}`);
  const value = valueQuantity ? quantity(valueQuantity) : (valueString ?? parts.join(", "));
  return [effectiveDateTime, `${code.text}: ${value}`].filter(Boolean).join(" ");
}

/** @param {Measured} measured @param {boolean} isVitalKnown */
function categoryOf({ isVital }, isVitalKnown) {
  if (!isVital) return LABORATORY;
  return isVitalKnown ? VITAL : EXAM;
}

/** @param {Measured} measured @param {number} value @param {string} category */
function measurement({ code, text, unit, shown }, value, category) {
  return { ...named(category, text, code), valueQuantity: quantityOf(value, unit, shown) };
}

/** @param {any} checkup */
function hasPressure(checkup) {
  return PRESSURES.some(({ column }) => isNumber(checkup[column]));
}

/** With both components, as who looks for one by its code finds it, or why it is not there. @param {any} checkup
 * @param {string} category */
function pressureOf(checkup, category) {
  if (!hasPressure(checkup)) return [];
  const component = PRESSURES.map(({ column, code, text }) => ({
    code: concept(text, LOINC, code),
    ...(isNumber(checkup[column])
      ? { valueQuantity: quantityOf(Number(checkup[column]), "mm[Hg]", "mmHg") }
      : { dataAbsentReason: concept(UNKNOWN.text, ABSENT_REASONS, UNKNOWN.code) }),
  }));
  return [{ ...named(category, PRESSURE.text, PRESSURE.code), component }];
}

/** All items of which no observation was made. @param {any} checkup */
function wordsOf(checkup) {
  const isPressure = (/** @type {string} */ column) => PRESSURES.some((half) => half.column === column);
  const isTold = (/** @type {string} */ column) =>
    isNumber(checkup[column]) && (isPressure(column) || MEASURED.some((one) => one.column === column));
  return (checkup.items ?? [])
    .filter((/** @type {any} */ item) => textOf(item.name) && textOf(item.value) && !isToldByColumns(item, checkup, isTold))
    .map((/** @type {any} */ { name, value, unit }) => ({
      ...named(EXAM, textOf(name), null),
      valueString: textOf(`${textOf(value)} ${textOf(unit)}`),
    }));
}

/** @param {string} category @param {string} text @param {string|null} code */
function named(category, text, code) {
  return {
    category: [{ coding: [{ system: CATEGORIES, code: category }] }],
    code: concept(text, LOINC, code ?? undefined),
  };
}

/** @param {number} value @param {string} code of UCUM @param {string} [unit] as it is read */
function quantityOf(value, code, unit = code) {
  return { value, unit, system: UCUM, code };
}

/** @param {unknown} value */
function isNumber(value) {
  return value !== null && value !== undefined && value !== "" && Number.isFinite(Number(value));
}

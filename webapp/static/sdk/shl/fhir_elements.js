/**
 * What several FHIR R4 resources of a summary have: entries, references, concepts, narrative.
 * @module
 */

/** @typedef {Record<string, any>} Resource */
/** @typedef {{fullUrl: string, resource: Resource}} Entry */

export const LOINC = "http://loinc.org";
export const UCUM = "http://unitsofmeasure.org";
const ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
const XHTML = "http://www.w3.org/1999/xhtml";
const ESCAPES = /** @type {Record<string, string>} */ ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" });
// What XML cannot hold.
const FORBIDDEN = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

/** @param {Resource} resource @returns {Entry} */
export function entry(resource) {
  return { fullUrl: `urn:uuid:${crypto.randomUUID()}`, resource };
}

/** @param {Entry} to @param {string} [display] */
export function referenceTo({ fullUrl }, display) {
  return { reference: fullUrl, ...(display ? { display } : {}) };
}

/** @param {string} text @param {string} [system] @param {string} [code] */
export function concept(text, system, code) {
  return { ...(system && code ? { coding: [{ system, code }] } : {}), text };
}

/** When something was: where no record tells, that it is not known, as a patient summary asks for one or the other.
 * @param {string} day `2024-03-02`, `2024`, or nothing */
export function effective(day) {
  if (day) return { effectiveDateTime: day };
  return { _effectiveDateTime: { extension: [{ url: ABSENT, valueCode: "unknown" }] } };
}

/** @param {string[]} lines */
export function narrative(lines) {
  const items = lines.map((line) => `<li>${escape(line)}</li>`).join("");
  return { status: "generated", div: `<div xmlns="${XHTML}">${items ? `<ul>${items}</ul>` : "<p>-</p>"}</div>` };
}

/** FHIR's strings are not empty, and do not begin or end with white space. @param {unknown} value */
export function textOf(value) {
  return String(value ?? "")
    .replace(FORBIDDEN, "")
    .trim();
}

/** @param {string} text */
function escape(text) {
  return text.replace(FORBIDDEN, "").replace(/[&<>"]/g, (letter) => ESCAPES[letter]);
}

/** Organizations by their names, each once. */
export class Organizations {
  #known = /** @type {Map<string, Entry>} */ (new Map());

  get entries() {
    return [...this.#known.values()];
  }

  /** @param {unknown} told @returns {Entry|null} null where nothing is told */
  find(told) {
    const name = textOf(told);
    if (!name) return null;
    const known = this.#known.get(name) ?? entry({ resourceType: "Organization", name });
    this.#known.set(name, known);
    return known;
  }
}

/**
 * Stored treatments and prescriptions as FHIR R4: a statement per medicine, an encounter where none was given.
 * @module
 */

import { concept, entry, referenceTo, textOf } from "./fhir_elements.js";

/** @typedef {import("./fhir_elements.js").Entry} Entry */

const ACT_CODES = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

/** @param {any} treatment as stored @param {Entry} patient @param {Entry|null} place @returns {{medications: Entry[],
 *   encounters: Entry[]}} */
export function treatmentsOf(treatment, patient, place) {
  const medications = (treatment.details ?? [])
    .map((/** @type {any} */ detail) => medicationOf(detail, treatment, patient, place))
    .filter(Boolean)
    .map(entry);
  return { medications, encounters: medications.length > 0 ? [] : [entry(encounterOf(treatment, patient, place))] };
}

/** What one sees of it. @param {import("./fhir_elements.js").Resource} statement */
export function medicationLine({ effectiveDateTime, medicationCodeableConcept, dosage }) {
  return [effectiveDateTime, medicationCodeableConcept.text, dosage?.[0].text].filter(Boolean).join(" ");
}

/** @param {import("./fhir_elements.js").Resource} encounter */
export function encounterLine({ period, type, serviceProvider }) {
  return [period?.start, serviceProvider?.display, type?.[0].text].filter(Boolean).join(" ");
}

/** @param {any} detail @param {any} treatment @param {Entry} patient @param {Entry|null} place */
function medicationOf(detail, treatment, patient, place) {
  const name = textOf(detail.ChoBangYakPumMyung) || textOf(detail.RetrieveMdsupDtlInfo?.MediPrdcNm);
  if (!name) return null;
  const day = textOf(treatment.treatment_date);
  const [effect, days] = [textOf(detail.ChoBangYakPumHyoneung), Number(detail.TuyakIlSoo) || 0];
  return {
    resourceType: "MedicationStatement",
    // Nobody told whether it was taken.
    status: "unknown",
    medicationCodeableConcept: concept(name),
    subject: referenceTo(patient),
    ...(day ? { effectiveDateTime: day } : {}),
    ...(place ? { informationSource: referenceTo(place, textOf(treatment.hospital_name)) } : {}),
    ...(effect ? { reasonCode: [concept(effect)] } : {}),
    ...(days > 0 ? { dosage: [{ text: `${days}일분` }] } : {}),
  };
}

/** @param {any} treatment @param {Entry} patient @param {Entry|null} place */
function encounterOf(treatment, patient, place) {
  const [day, kind] = [textOf(treatment.treatment_date), textOf(treatment.treatment_type)];
  return {
    resourceType: "Encounter",
    status: "finished",
    class: kind.includes("입원") ? { system: ACT_CODES, code: "IMP" } : { system: ACT_CODES, code: "AMB" },
    ...(kind ? { type: [concept(kind)] } : {}),
    subject: referenceTo(patient),
    ...(day ? { period: { start: day } } : {}),
    ...(place ? { serviceProvider: referenceTo(place, textOf(treatment.hospital_name)) } : {}),
  };
}

/**
 * Stored treatments and prescriptions as FHIR R4: a statement per medicine, an encounter where none was given.
 * @module
 */

import { medicinesOf } from "../collection/medicines.js";
import { concept, effective, entry, referenceTo, textOf } from "./fhir_elements.js";

/** @typedef {import("./fhir_elements.js").Entry} Entry */

const ATC = "http://www.whocc.no/atc";
const ACT_CODES = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

/** @param {any} treatment as stored @param {Entry} patient @param {Entry|null} place @returns {{medications: Entry[],
 *   encounters: Entry[]}} */
export function treatmentsOf(treatment, patient, place) {
  const medications = medicinesOf(treatment)
    .filter(({ name }) => textOf(name))
    .map((medicine) => entry(medicationOf(medicine, treatment, patient, place)));
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

/** @param {import("../collection/medicines.js").Medicine} medicine @param {any} treatment @param {Entry} patient
 * @param {Entry|null} place */
function medicationOf(medicine, treatment, patient, place) {
  const [effect, day] = [textOf(medicine.effect), textOf(treatment.treatment_date)];
  return {
    resourceType: "MedicationStatement",
    // Nobody told whether it was taken.
    status: "unknown",
    medicationCodeableConcept: concept(textOf(medicine.name), ATC, medicine.atc),
    subject: referenceTo(patient),
    ...effective(day),
    ...(place ? { informationSource: referenceTo(place, textOf(treatment.hospital_name)) } : {}),
    ...(effect ? { reasonCode: [concept(effect)] } : {}),
    ...(medicine.days > 0 ? { dosage: [{ text: `${medicine.days}일분` }] } : {}),
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

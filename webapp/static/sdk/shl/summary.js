/**
 * Stored records as one FHIR R4 document in the shape of an International Patient Summary: what a link gives a doctor.
 *
 * Problems and allergies are in no record of ours, and the document says so. It claims no profile: that is for whoever
 * has validated it against one.
 * @module
 */

import { dayOf, lineOf, observationsOf } from "./fhir_checkups.js";
import { concept, entry, LOINC, narrative, Organizations, referenceTo, textOf } from "./fhir_elements.js";
import { encounterLine, medicationLine, treatmentsOf } from "./fhir_treatments.js";

/** @typedef {import("./fhir_elements.js").Entry} Entry */
/** `person` as the API tells them; records as stored; `collectedAt`: when the insurer answered, also of a single record.
 * @typedef {{person: {name: string, birthdate: string, gender: string|null}, checkups?: any[], treatments?: any[],
 *   collectedAt?: string|null, now?: Date}} Records */

const INSURER = "국민건강보험공단";
const GENDERS = /** @type {Record<string, string>} */ ({ M: "male", F: "female" });
const PARTICIPANTS = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";
const EMPTY_REASONS = "http://terminology.hl7.org/CodeSystem/list-empty-reason";
const NOT_KNOWN = "이 기록에는 없는 내용이에요.";

/** @param {Records} records @returns {any} a Bundle of type `document` */
export function buildSummary({ person, checkups = [], treatments = [], collectedAt = null, now = new Date() }) {
  const organizations = new Organizations();
  const insurer = /** @type {Entry} */ (organizations.find(INSURER));
  const patient = entry(patientOf(person));
  const seen = checkups.map((one) => ({
    one,
    ...observationsOf(one, patient, organizations.find(one.location) ?? insurer),
  }));
  const treated = treatments.map((one) => ({ one, ...treatmentsOf(one, patient, organizations.find(one.hospital_name)) }));
  const parts = {
    medications: treated.flatMap(({ medications }) => medications),
    vitals: seen.flatMap(({ vitals }) => vitals),
    results: seen.flatMap(({ results }) => results),
    encounters: treated.flatMap(({ encounters }) => encounters),
  };
  const sources = [
    ...seen.map(({ one, vitals, results }) => provenance("checkup", one, dayOf(one), [...vitals, ...results])),
    ...treated.map(({ one, medications, encounters }) =>
      provenance("treatment", one, textOf(one.treatment_date), [...medications, ...encounters]),
    ),
  ];
  const provenances = sources.filter(({ targets }) => targets.length > 0).map((source) => entry(provenanceOf(source)));
  const composition = entry(compositionOf(parts));
  return {
    resourceType: "Bundle",
    identifier: { system: "urn:ietf:rfc:3986", value: `urn:uuid:${crypto.randomUUID()}` },
    type: "document",
    timestamp: now.toISOString(),
    entry: [composition, patient, ...organizations.entries, ...Object.values(parts).flat(), ...provenances],
  };

  /** @param {typeof parts} told */
  function compositionOf({ medications, vitals, results, encounters }) {
    return {
      resourceType: "Composition",
      language: "ko-KR",
      status: "final",
      type: { coding: [{ system: LOINC, code: "60591-5", display: "Patient summary Document" }] },
      subject: referenceTo(patient),
      date: now.toISOString(),
      author: [referenceTo(patient, textOf(person.name))],
      title: "환자 건강 요약",
      section: [
        section("처방받은 약", "10160-0", medications, medicationLine),
        section("알레르기", "48765-2", [], lineOf),
        section("진단", "11450-4", [], lineOf),
        section("검사 결과", "30954-2", results, lineOf),
        section("신체 계측과 혈압", "8716-3", vitals, lineOf),
        section("진료", "46240-8", encounters, encounterLine),
      ],
    };
  }

  /** @param {ReturnType<typeof provenance>} source */
  function provenanceOf({ kind, record, day, targets }) {
    const what = { identifier: { system: `urn:welno:${kind}`, value: String(record.id) } };
    return {
      resourceType: "Provenance",
      target: targets.map((target) => referenceTo(target)),
      ...(day.length === "YYYY-MM-DD".length ? { occurredDateTime: day } : {}),
      recorded: new Date(record.collectedAt ?? collectedAt ?? now).toISOString(),
      agent: [
        { type: concept("기록을 준 곳", PARTICIPANTS, "author"), who: referenceTo(insurer, INSURER) },
        { type: concept("기록을 모아 보낸 사람", PARTICIPANTS, "assembler"), who: referenceTo(patient) },
      ],
      entity: [{ role: "source", what }],
    };
  }
}

/** @param {string} kind @param {any} record @param {string} day @param {Entry[]} targets */
function provenance(kind, record, day, targets) {
  return { kind, record, day, targets };
}

/** @param {Records["person"]} person */
function patientOf({ name, birthdate, gender }) {
  return {
    resourceType: "Patient",
    name: [{ use: "official", text: textOf(name) }],
    gender: GENDERS[gender ?? ""] ?? "unknown",
    birthDate: birthdate,
  };
}

/** @param {string} title @param {string} code @param {Entry[]} entries @param {(resource: any) => string} lineOfOne */
function section(title, code, entries, lineOfOne) {
  const head = { title, code: { coding: [{ system: LOINC, code }] } };
  if (entries.length === 0) {
    const emptyReason = { coding: [{ system: EMPTY_REASONS, code: "unavailable" }], text: NOT_KNOWN };
    return { ...head, text: narrative([NOT_KNOWN]), emptyReason };
  }
  const text = narrative(entries.map(({ resource }) => lineOfOne(resource)));
  return { ...head, text, entry: entries.map((one) => referenceTo(one)) };
}

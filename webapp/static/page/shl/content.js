/**
 * What a link gave, as a person reads it: whose it is, and sections of lines. Pure, but for unpacking cards.
 * @module
 */

import { readAttachments } from "../../sdk/shl/attachments.js";
import { readHealthCard } from "../../sdk/shl/health_cards.js";
import { nameKind } from "./words.js";

const FILES = new Set(["DocumentReference", "Binary"]);

/** @typedef {{name: string, value: string, date: string}} Line */
/** @typedef {{title: string, lines: Line[], empty: string}} Section */
/** @typedef {{title: string, person: {name: string, birthDate: string}|null, sections: Section[], sources: string[],
 *   issuer: string|null, attachments: import("../../sdk/shl/attachments.js").Attachment[]}} Reading
 *   `sources`: who is said to have told all that; `issuer`: of a card whose signature nobody has verified */

/** @param {import("../../sdk/shl/opening.js").OpenedFile} file @returns {Promise<Reading[]>} none for what is no record;
 *  rejects with any error where what claims to be one is malformed */
export async function readFile({ content }) {
  if (Array.isArray(content?.verifiableCredential)) {
    const cards = await Promise.all(content.verifiableCredential.map(readHealthCard));
    return cards.map(({ issuer, bundle }) => ({ ...readResource(bundle), issuer }));
  }
  return typeof content?.resourceType === "string" ? [readResource(content)] : [];
}

/** @param {any} content of FHIR @returns {Reading} */
export function readResource(content) {
  const entries = content.resourceType === "Bundle" ? (content.entry ?? []) : [{ resource: content }];
  const resources = entries.map((/** @type {any} */ { resource }) => resource).filter(Boolean);
  const composition = resources.find((/** @type {any} */ { resourceType }) => resourceType === "Composition");
  const patient = resources.find((/** @type {any} */ { resourceType }) => resourceType === "Patient");
  return {
    title: textOf(composition?.title),
    person: patient ? { name: nameOf(patient), birthDate: textOf(patient.birthDate) } : null,
    sections: composition ? sectionsOf(composition, addresses(entries)) : byKind(resources),
    sources: sourcesOf(resources),
    issuer: null,
    attachments: resources.flatMap(readAttachments),
  };
}

/** @param {any} resource @returns {Line} */
export function lineOf(resource) {
  const { code, medicationCodeableConcept, vaccineCode, type, effectiveDateTime, occurrenceDateTime, onsetDateTime } = resource;
  const concept = code ?? medicationCodeableConcept ?? vaccineCode ?? (Array.isArray(type) ? type[0] : type);
  const date = effectiveDateTime ?? occurrenceDateTime ?? onsetDateTime ?? resource.period?.start ?? resource.recordedDate;
  return {
    name: conceptText(concept) || nameOf(resource) || nameKind(resource.resourceType),
    value: valueOf(resource),
    date: textOf(date).slice(0, "2026-11-26".length),
  };
}

/** @param {any} composition @param {Map<string, any>} known @returns {Section[]} those within sections, too */
function sectionsOf({ section = [] }, known) {
  return section.flatMap((/** @type {any} */ part) => {
    const lines = (part.entry ?? []).map((/** @type {any} */ { reference }) => known.get(reference)).filter(Boolean).map(lineOf);
    const own = { title: textOf(part.title) || conceptText(part.code), lines, empty: conceptText(part.emptyReason) };
    return [...(part.section && lines.length === 0 ? [] : [own]), ...sectionsOf(part, known)];
  });
}

/** What is nothing but files has no lines. @param {any[]} all @returns {Section[]} */
function byKind(all) {
  const resources = all.filter((one) => !FILES.has(one.resourceType) || readAttachments(one).length === 0);
  const kinds = [...new Set(resources.map(({ resourceType }) => resourceType))].filter((kind) => kind !== "Patient" && kind !== "Provenance");
  return kinds.map((kind) => ({
    title: nameKind(kind),
    lines: resources.filter(({ resourceType }) => resourceType === kind).map(lineOf),
    empty: "",
  }));
}

/** @param {any[]} resources */
function sourcesOf(resources) {
  const told = resources.filter(({ resourceType }) => resourceType === "Provenance");
  return [...new Set(told.map(({ agent }) => textOf(agent?.[0]?.who?.display)).filter(Boolean))];
}

/** By all names that a reference may have. @param {any[]} entries */
function addresses(entries) {
  return new Map(
    entries.flatMap(({ fullUrl, resource }) => [
      [fullUrl, resource],
      [`${resource?.resourceType}/${resource?.id}`, resource],
    ]),
  );
}

/** @param {any} resource */
function valueOf({ valueQuantity, valueString, valueCodeableConcept, component, dosage, serviceProvider, dataAbsentReason }) {
  const parts = (component ?? []).map((/** @type {any} */ part) => `${conceptText(part.code)} ${valueOf(part)}`.trim());
  const quantity = valueQuantity && `${textOf(valueQuantity.value)} ${textOf(valueQuantity.unit ?? valueQuantity.code)}`.trim();
  const told = quantity ?? valueString ?? conceptText(valueCodeableConcept);
  const more = parts.join(", ") || textOf(dosage?.[0]?.text) || textOf(serviceProvider?.display);
  return textOf(told) || more || conceptText(dataAbsentReason);
}

/** @param {any} concept */
function conceptText(concept) {
  const coding = concept?.coding?.[0];
  return textOf(concept?.text ?? coding?.display ?? coding?.code);
}

/** Of a person, or of a place. @param {any} resource */
function nameOf({ name }) {
  if (typeof name === "string") return name;
  const { text, given = [], family = "" } = name?.[0] ?? {};
  return textOf(text) || [...given, family].filter(Boolean).join(" ");
}

/** @param {unknown} value */
function textOf(value) {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

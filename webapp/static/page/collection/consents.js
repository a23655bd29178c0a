/**
 * Which of a person's many consents tells how things stand: pure.
 * @module
 */

/**
 * Of each kind the one that holds the longest, or, where none is in force, the newest.
 * @param {any[]} consents newest first @param {Date} now @returns {any[]} with `isInForce`
 */
export function newestOfKinds(consents, now) {
  const kinds = new Map();
  for (const consent of consents) {
    const isInForce = consent.ended_at === null && new Date(consent.expires_at) > now;
    const known = kinds.get(consent.kind);
    const isBetter = !known || (isInForce && (!known.isInForce || known.expires_at < consent.expires_at));
    if (isBetter) kinds.set(consent.kind, { ...consent, isInForce });
  }
  return [...kinds.values()];
}

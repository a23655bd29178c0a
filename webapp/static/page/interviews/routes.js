/**
 * What stands behind the `#` of a project's page: the view, and which interview or words it shows. Pure.
 * @module
 */

export const VIEWS = /** @type {const} */ (["interviews", "search", "highlights", "themes", "chat", "settings"]);

/** @typedef {{view: typeof VIEWS[number], interview: string|null, line: number|null, words: string,
 *   tag: string|null, persona: string|null}} Place */

/** @param {string} hash @returns {Place} */
export function placeOf(hash) {
  const asked = new URLSearchParams(hash.replace(/^#/, ""));
  const line = Number(asked.get("line") ?? Number.NaN);
  return {
    view: VIEWS.find((name) => asked.has(name)) ?? "interviews",
    interview: asked.get("interview") || null,
    line: Number.isInteger(line) ? line : null,
    words: asked.get("search") ?? "",
    tag: asked.get("highlights") || null,
    persona: asked.get("chat") || null,
  };
}

/** @param {string} id @param {number|null} [line] */
export function interviewHash(id, line = null) {
  return `#${new URLSearchParams({ interview: id, ...(line === null ? {} : { line: String(line) }) })}`;
}

/** @param {string} words */
export const searchHash = (words) => `#${new URLSearchParams({ search: words })}`;

/** @param {string} tag */
export const tagHash = (tag) => `#${new URLSearchParams({ highlights: tag })}`;

/** @param {string} id */
export const personaHash = (id) => `#${new URLSearchParams({ chat: id })}`;

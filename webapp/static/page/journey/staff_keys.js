/**
 * The letters by which a desk is used without a mouse. Pure.
 * @module
 */

/** By letter: whom it is about, by their entry's state, and the step. */
export const KEYS = /** @type {Record<string, [string, string]>} */ ({
  r: ["called", "recall"],
  s: ["called", "start_exam"],
  c: ["in_progress", "complete_exam"],
});

/** The letter that was pressed, "" for what is none, is held down or is part of something else. With a Korean layout
 * `key` is "ㅜ" where N is printed, which `code` tells; a Latin letter counts as it is typed, as layouts differ in place.
 * @param {KeyboardEvent} event */
export function letterOf({ key, code, ctrlKey, metaKey, altKey, shiftKey, repeat, isComposing }) {
  if (ctrlKey || metaKey || altKey || shiftKey || repeat || isComposing) return "";
  if (/^[a-z]$/i.test(key)) return key.toLowerCase();
  return /^Key([A-Z])$/.exec(code)?.[1].toLowerCase() ?? "";
}

/**
 * The browser's own dialogs: focus stays inside, Escape closes, and focus goes back to where it was.
 * @module
 */

import { find, setText } from "./dom.js";

/** @type {WeakMap<HTMLDialogElement, (value: string) => void>} */
const answers = new WeakMap();

/**
 * Opens a dialog; opened again before its `close` event, it answers "" to the first caller.
 * @param {HTMLDialogElement} dialog @returns {Promise<string>} when it closes: its return value, "" after Escape
 */
export function openDialog(dialog) {
  if (answers.has(dialog)) answers.get(dialog)?.("");
  else dialog.addEventListener("close", () => answerClosed(dialog));
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => answers.set(dialog, resolve));
}

/** The event comes a little after the close: by then it may be open for another question.
 * @param {HTMLDialogElement} dialog */
function answerClosed(dialog) {
  if (!dialog.open) answers.get(dialog)?.(dialog.returnValue);
}

/**
 * Asks before something is done that cannot be undone, by the `confirmation` of kit/parts.html.
 * @param {{title: string, text: string, yes: string, look: "primary"|"danger", about?: string}} question `about`: what
 *   it is done to
 * @returns {Promise<boolean>}
 */
export async function askToConfirm({ title, text, yes, look, about = "" }) {
  for (const [id, words] of Object.entries({ "confirm-title": title, "confirm-text": text, "confirm-yes": yes }))
    find(id).textContent = words;
  find("confirm-yes").className = look;
  setText(find("confirm-about"), about);
  return (await openDialog(find("confirm"))) === "yes";
}

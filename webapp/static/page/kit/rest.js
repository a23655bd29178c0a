/**
 * Buttons that come where others were take no press for a moment: the second click of a double click was meant for what
 * stood there before.
 * @module
 */

const REST_MILLISECONDS = 1_000;

/** `whileBusy` heeds it. They keep the focus. @param {Iterable<Element>} buttons */
export function restBriefly(buttons) {
  for (const button of buttons) {
    button.setAttribute("aria-disabled", "true");
    setTimeout(() => button.removeAttribute("aria-disabled"), REST_MILLISECONDS);
  }
}

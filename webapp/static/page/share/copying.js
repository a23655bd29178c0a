/**
 * Gives a link to the clipboard, and says so.
 * @module
 */

import { showToast } from "../kit/toast.js";
import { COPIED, NOT_COPIED } from "./words.js";

/** @param {string} link */
export async function copyLink(link) {
  try {
    await navigator.clipboard.writeText(link);
    showToast("success", COPIED);
  } catch {
    showToast("error", NOT_COPIED);
  }
}

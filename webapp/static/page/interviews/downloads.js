/**
 * Links to files of the API.
 * @module
 */

import { showToast } from "../kit/toast.js";
import { client } from "./entry.js";
import { explainTo } from "./words.js";

/** A link goes by the cookie, which ends while a page is only read: the call before renews it.
 * @param {Event} event the click on it */
export async function download(event) {
  event.preventDefault();
  const { href } = /** @type {HTMLAnchorElement} */ (event.currentTarget);
  try {
    await client.me();
    location.assign(href);
  } catch (/** @type {any} */ error) {
    showToast("error", explainTo(error), error.requestId);
  }
}

/**
 * The form that opens locked records with the password.
 * @module
 */

import { find, whileBusy } from "../kit/dom.js";
import { withReference } from "../kit/error.js";
import { digitsOf, Field } from "../kit/field.js";
import { explain } from "./errors.js";

export const NOT_SIX = "숫자 6자리를 입력해 주세요.";
/** @param {string} text */
export const isSixDigits = (text) => /^\d{6}$/.test(text);
let current = /** @type {Field|null} */ (null);

/**
 * Shows the lock until the right password was given.
 * @param {import("../../sdk/collection/client.js").WelnoClient} client @param {string} uuid @returns {Promise<void>}
 */
export function unlock(client, uuid) {
  const [section, form] = [find("locked"), find("unlock-form")];
  const field = (current ??= new Field("password", { format: digitsOf }));
  section.hidden = false;
  find("locked-title").focus();
  return new Promise((resolve) => {
    form.onsubmit = (event) => {
      event.preventDefault();
      whileBusy(form.querySelector("[type=submit]"), async () => {
        const fault = isSixDigits(field.value) ? await verify(client, uuid, field.value) : NOT_SIX;
        field.setFault(fault);
        if (fault) {
          field.select();
          return;
        }
        form.reset();
        section.hidden = true;
        resolve();
      });
    };
  });
}

async function verify(client, uuid, password) {
  try {
    await client.verifyPassword(uuid, password);
    return "";
  } catch (error) {
    return error.status === 401 ? wrongPassword(error) : withReference(explain(error), error);
  }
}

/** @param {import("../../sdk/core/errors.js").WelnoError} error */
export function wrongPassword(error) {
  const left = error.details?.tries_left;
  return `비밀번호가 맞지 않아요. 다시 확인해 주세요.${left > 0 ? ` (${left}번 더 틀리면 잠겨요)` : ""}`;
}

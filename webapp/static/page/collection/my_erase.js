/**
 * The end of all records: asked twice, proved by the password or a fresh approval, and told by a receipt.
 * @module
 */

import { askToConfirm, openDialog } from "../kit/dialog.js";
import { find, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { digitsOf, Field } from "../kit/field.js";
import { troubleOf } from "./errors.js";
import { isSixDigits, NOT_SIX } from "./unlock.js";

const QUESTION = {
  title: "모든 기록을 지울까요?",
  text: "서버에 저장된 기록과 내 정보를 모두 지우고, 모든 곳에서 로그아웃해요. 되돌릴 수 없어요.",
  yes: "지우기로 하기",
  look: /** @type {const} */ ("danger"),
};

/**
 * @param {{client: import("../../sdk/welno.js").WelnoClient, uuid: string,
 *   onErased: (erasureId: string) => Promise<void>}} parts
 */
export function offerErasure({ client, uuid, onErased }) {
  const dialog = /** @type {HTMLDialogElement} */ (find("erase-dialog"));
  const form = find("erase-form");
  const password = new Field("erase-password", { format: digitsOf });
  find("erase").onclick = async () => {
    if (!(await askToConfirm(QUESTION))) return;
    form.reset();
    password.setFault("");
    showError(find("erase-failure"), null);
    await openDialog(dialog);
  };
  find("erase-cancel").onclick = () => dialog.close("");
  form.onsubmit = (event) => {
    event.preventDefault();
    if (password.value && !isSixDigits(password.value)) {
      password.setFault(NOT_SIX);
      password.focus();
      return;
    }
    whileBusy(form.querySelector("[type=submit]"), async () => {
      try {
        const { erasure_id } = await client.erase(uuid, password.value);
        await onErased(erasure_id);
      } catch (/** @type {any} */ error) {
        if (error.code === "PASSWORD_WRONG") password.setFault(error.message);
        else showError(find("erase-failure"), troubleOf(error));
        password.select();
      }
    });
  };
}

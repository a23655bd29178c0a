/**
 * The dialog that asks for a new password.
 * @module
 */

import { openDialog } from "../kit/dialog.js";
import { find, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { digitsOf, Field } from "../kit/field.js";
import { showToast } from "../kit/toast.js";
import { troubleOf } from "./errors.js";
import { isSixDigits, NOT_SIX } from "./unlock.js";

const fresh = new Field("new-password", { format: digitsOf });
const repeat = new Field("repeat-password", { format: digitsOf });

/**
 * @param {import("../../sdk/collection/client.js").WelnoClient} client @param {string} uuid whose records these are
 * @returns {Promise<boolean>} when it is closed; true if a password was set
 */
export async function askForPassword(client, uuid) {
  const dialog = /** @type {HTMLDialogElement} */ (find("password-dialog"));
  const form = find("password-form");
  form.reset();
  for (const field of [fresh, repeat]) field.setFault("");
  showError(find("password-failure"), null);

  const submit = form.querySelector("[type=submit]");
  submit.textContent = "비밀번호 정하기";
  let store = (password) => client.setPassword(uuid, password);
  form.onsubmit = (event) => {
    event.preventDefault();
    if (!checkPair()) return;
    whileBusy(submit, async () => {
      const outcome = await tryStoring(() => store(fresh.value));
      if (outcome === "set") dialog.close("set");
      if (outcome !== "exists") return;
      // Only who wants to loses the old one.
      submit.textContent = "이 번호로 바꾸기";
      store = (password) => client.resetPassword(uuid, password);
    });
  };
  find("password-later").onclick = () => dialog.close("later");
  return (await openDialog(dialog)) === "set";
}

function checkPair() {
  const first = isSixDigits(fresh.value) ? "" : NOT_SIX;
  const second = repeat.value === fresh.value ? "" : "두 비밀번호가 서로 달라요.";
  fresh.setFault(first);
  repeat.setFault(first ? "" : second);
  if (first) fresh.focus();
  else if (second) repeat.focus();
  return !first && !second;
}

/** @returns {Promise<"set"|"exists"|"failed">} */
async function tryStoring(store) {
  const place = find("password-failure");
  try {
    await store();
  } catch (error) {
    if (error.status === 409) {
      showError(place, { text: "이미 정해 둔 비밀번호가 있어요. 그대로 쓰려면 ‘나중에 할게요’를 눌러 주세요." });
      return "exists";
    }
    const atField = [error.details?.password].flat().find((text) => /[가-힣]/.test(String(text ?? "")));
    if (atField) fresh.setFault(atField);
    else showError(place, troubleOf(error));
    return "failed";
  }
  showToast("success", "비밀번호를 정했어요.");
  return "set";
}

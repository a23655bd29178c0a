/**
 * Two charts of one person, as after a change of their phone number: shown as one by the password of the older one, and
 * apart again within 30 days.
 * @module
 */

import { askToConfirm } from "../kit/dialog.js";
import { find, setText, show, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { showToast } from "../kit/toast.js";
import { troubleOf } from "./errors.js";
import { dayText } from "./moments.js";
import { FITS_NOBODY, PersonForm } from "./person_form.js";

const QUESTION = {
  title: "다시 나눌까요?",
  text: "이전 번호의 기록이 이 화면에서 보이지 않게 돼요. 기록은 그대로 남아 있어요.",
  yes: "나누기",
};
const QUESTION_OF_OLDER = {
  ...QUESTION,
  text: "새 번호로는 이 기록을 볼 수 없게 돼요. 기록은 그대로 남아 있어요.",
};

/** The older one's at any time: somebody else may see their records. */
const canUndo = (state, now) => state.joined && Date.parse(state.undo_until) > now;

function stateText(state, now) {
  if (state.shown_elsewhere)
    return "새 번호의 기록에서 이 기록을 함께 보고 있어요. 내가 합친 것이 아니라면 다시 나누고 비밀번호를 바꿔 주세요.";
  if (!state.joined) return "";
  const until = canUndo(state, now) ? ` ${dayText(state.undo_until)}까지 다시 나눌 수 있어요.` : "";
  return `이전 번호의 기록을 함께 보여드리고 있어요.${until}`;
}

/** @param {{client: import("../../sdk/welno.js").WelnoClient, uuid: string}} whose */
export async function offerJoin({ client, uuid }) {
  const form = /** @type {HTMLFormElement} */ (find("join-form"));
  const person = new PersonForm("join-");
  const undo = find("join-undo");

  let isOlder = false;
  const showState = (state) => {
    isOlder = Boolean(state.shown_elsewhere);
    show(form, !state.joined && !isOlder);
    show(undo, isOlder || canUndo(state, client.now()));
    setText(find("join-state"), stateText(state, client.now()));
  };
  const attempt = (button, work) =>
    whileBusy(button, async () => {
      showError(find("join-failure"), null);
      try {
        await work();
      } catch (/** @type {any} */ error) {
        const trouble = troubleOf(error);
        if (error.code === "LOGIN_FAILED") trouble.text = FITS_NOBODY;
        showError(find("join-failure"), trouble);
        find("join-failure").focus();
      }
    });

  form.onsubmit = (event) => {
    event.preventDefault();
    if (!person.check()) return;
    attempt(find("join-button"), async () => {
      showState({ joined: true, ...(await client.join(uuid, person.read())) });
      form.reset();
      showToast("success", "이전 기록을 함께 보여드릴게요.");
      find("join-title").focus();
    });
  };
  undo.onclick = () =>
    attempt(undo, async () => {
      if (!(await askToConfirm(isOlder ? QUESTION_OF_OLDER : QUESTION))) return;
      await client.undoJoin(uuid);
      showState({ joined: false });
      find("join-title").focus();
    });
  try {
    showState(await client.joinState(uuid));
  } catch (/** @type {any} */ error) {
    showError(find("join-failure"), troubleOf(error));
  }
}

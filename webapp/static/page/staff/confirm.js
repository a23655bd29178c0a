/**
 * Asks before something is done to a run. The browser's own dialog: focus stays inside, Escape means no.
 * @module
 */

import { find } from "../kit/dom.js";

const WORDS = {
  resume: {
    title: "작업을 다시 시작할까요?",
    text: "멈춘 단계부터 이어서 진행해요. 이미 받은 자료는 다시 받지 않아요.",
    yes: "다시 시작",
    look: "primary",
  },
  cancel: {
    title: "작업을 취소할까요?",
    text: "취소한 작업은 되돌릴 수 없고, 기다리는 사람의 화면에도 끝났다고 나와요. 이미 저장된 기록은 남아요.",
    yes: "작업 취소",
    look: "staff-danger",
  },
};

const dialog = /** @type {HTMLDialogElement} */ (find("confirm"));
let answer = (/** @type {boolean} */ _yes) => {};

// The browser tells of a close a little later: by then somebody quick may have opened it for another question.
dialog.addEventListener("close", () => {
  if (!dialog.open) answer(dialog.returnValue === "yes");
});

/** @param {"resume"|"cancel"} verb @param {string} id @returns {Promise<boolean>} */
export function askFirst(verb, id) {
  const { title, text, yes, look } = WORDS[verb];
  find("confirm-title").textContent = title;
  find("confirm-text").textContent = text;
  find("confirm-id").textContent = id;
  find("confirm-yes").textContent = yes;
  find("confirm-yes").className = look;
  answer(false);
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    answer = resolve;
  });
}

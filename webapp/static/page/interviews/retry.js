/**
 * Has a failed interview analysed once more; where the project has come to require consent, it is asked for first.
 * @module
 */

import { askToConfirm } from "../kit/dialog.js";
import { client } from "./entry.js";

/** @param {string} id @param {string} title */
export async function retryInterview(id, title) {
  try {
    await client.retry(id);
  } catch (/** @type {any} */ error) {
    if (error.code !== "CONSENT_REQUIRED") throw error;
    if (await askToConfirm({ ...QUESTION, about: title })) await client.retry(id, { consents: true });
  }
}

const QUESTION = {
  title: "동의를 받았나요?",
  text: "이 프로젝트는 인터뷰 대상자의 동의가 있어야 분석해요.",
  yes: "동의를 받았어요",
  look: /** @type {const} */ ("primary"),
};

/**
 * What is said where a link is made and shown.
 * @module
 */

export const QR_LABEL = "기록을 여는 링크의 QR";
export const COPY = "링크 복사하기";
export const OPEN = "열어 보기";
export const SHOW_QR = "QR로 보여 주기";
export const COPIED = "링크를 복사했어요.";
export const NOT_COPIED = "복사하지 못했어요. QR을 보여 주세요.";
export const NOTHING_CHOSEN = "하나는 골라 주세요.";
export const CHANGED = "고른 내용이 바뀌어서 링크를 만들지 않았어요. 다시 눌러 주세요.";
export const NOT_DRAWN = "QR을 그리지 못해서 링크를 만들지 않았어요. 인터넷 연결을 확인하고 다시 눌러 주세요.";
export const NOT_ENDED = "보여 드리지 못한 링크가 남아 있어요. 내 정보에서 끝내 주세요.";
const SHORTEST_PASSCODE = 4;

/** None is none. @param {string} passcode */
export function passcodeFault({ length }) {
  return length > 0 && length < SHORTEST_PASSCODE ? `암호는 ${SHORTEST_PASSCODE}자부터 정할 수 있어요.` : "";
}

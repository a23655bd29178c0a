/**
 * Ids by which members are added, as they are typed or pasted.
 * @module
 */

const MEMBER = /^(patient:[0-9a-f-]{36}|staff:[A-Za-z0-9._~%-]{1,120})$/;

/** @param {string} typed @param {string} own @returns {string} what is wrong with it, or "" */
export function faultOfMember(typed, own) {
  if (typed === own) return "내 아이디예요. 함께할 사람의 아이디를 적어 주세요.";
  return MEMBER.test(typed) ? "" : "아이디를 다시 확인해 주세요.";
}

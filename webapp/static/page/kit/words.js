/**
 * What things are called, on every page: one thing has one name.
 * @module
 */

export const WORDS = Object.freeze({
  reference: "문의 번호",
  retry: "다시 시도",
});

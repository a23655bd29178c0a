/**
 * Why there is no report, in words: pure.
 * @module
 */

/** @typedef {import("../../sdk/collection/flow.js").MissingReport} MissingReport */

const REASONS = {
  none: [
    "건강검진 기록이 없어서 질병 예측 리포트는 만들지 못했어요.",
    "리포트는 건강검진 결과로 만들어요. 건강검진을 받은 뒤에 기록을 다시 모으면 만들 수 있어요.",
  ],
  unread: [
    "건강검진 기록을 가져오지 못해서 질병 예측 리포트는 만들지 못했어요.",
    "조금 뒤에 기록을 다시 모으면 만들 수 있어요.",
  ],
  incomplete: [
    "건강검진 결과에 필요한 값이 없어서 질병 예측 리포트는 만들지 못했어요.",
    "건강검진 결과에 키, 몸무게, 혈압, 공복혈당이 모두 있어야 해요.",
  ],
  withdrawn: [
    "동의를 철회하셔서 질병 예측 리포트는 만들지 못했어요.",
    "시작 화면에서 다시 동의하면 만들 수 있어요.",
  ],
  expired: [
    "동의한 기간이 지나서 질병 예측 리포트는 만들지 못했어요.",
    "시작 화면에서 다시 동의하면 만들 수 있어요.",
  ],
  failed: [
    "리포트를 만드는 곳에 문제가 생겨서 질병 예측 리포트는 만들지 못했어요.",
    "내가 잘못한 것은 없어요. 조금 뒤에 기록을 다시 모으면 만들 수 있어요.",
  ],
};
const NEVER_ASKED_FOR = [
  "아직 질병 예측 리포트가 없어요",
  "시작 화면에서 ‘질병 예측 리포트 받기’를 고르면 만들 수 있어요. 최근 건강검진에 키, 몸무게, 혈압, 공복혈당이 있어야 해요.",
];

/** The sentence for who is shown their records instead, or "". @param {string|null} reason a `MissingReport`, or anything
 * that stood in an address */
export function missingNotice(reason) {
  return reason && Object.hasOwn(REASONS, reason) ? `${REASONS[reason][0]} 모은 기록은 여기서 볼 수 있어요.` : "";
}

/** For the report's own page. What the stored records say beats what was told of one run.
 * @param {string|null} told as above @param {number} checkupCount of what is stored
 * @returns {{title: string, text: string}} */
export function missingTexts(told, checkupCount) {
  const reason = checkupCount > 0 ? (told === "none" ? null : told) : told === "unread" ? told : "none";
  const [title, text] = reason && Object.hasOwn(REASONS, reason) ? REASONS[reason] : NEVER_ASKED_FOR;
  return { title, text };
}

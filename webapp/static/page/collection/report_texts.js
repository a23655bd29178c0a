/**
 * What the figures of a report are about, in words: pure.
 * @module
 */

import { dayText } from "./moments.js";

const RANKED = 100;

/** @param {string|null} checkupDate null for reports of before this was kept */
export function basisText(checkupDate) {
  const basis = checkupDate ? `${dayText(checkupDate)} 건강검진` : "필요한 값이 모두 있는 가장 최근 건강검진";
  return `${basis}을 바탕으로 한 예측이에요.`;
}

/** @param {number|null} rank */
export function rankText(rank) {
  if (rank === null) return "–";
  return rank <= RANKED ? `${RANKED}명 중 ${rank}위` : `${rank}위`;
}

/** Beside the body's age the real one, of the day of the analysis. @param {{bodyage: number|null,
 * analyzed_at: string|null}} report @param {string} birthday */
export function ageNote({ bodyage, analyzed_at }, birthday) {
  const age = ageOn(birthday, new Date(analyzed_at ?? Date.now()));
  if (bodyage === null) return `실제 나이는 만 ${age}세예요.`;
  const difference = bodyage - age;
  if (difference === 0) return `실제 나이는 만 ${age}세로, 건강 나이와 같아요.`;
  return `실제 나이는 만 ${age}세예요. 건강 나이가 ${Math.abs(difference)}살 ${difference < 0 ? "젊어요" : "많아요"}.`;
}

function ageOn(birthday, day) {
  const [year, month, date] = birthday.split("-").map(Number);
  const before = day.getMonth() + 1 < month || (day.getMonth() + 1 === month && day.getDate() < date);
  return day.getFullYear() - year - Number(before);
}

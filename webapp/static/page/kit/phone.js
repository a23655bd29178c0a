/**
 * A phone number as people and their browsers write it: pure.
 * @module
 */

import { digitsOf } from "./field.js";

/**
 * As it is dialled in Korea, like `normalize_phone` of the server: `+82 10-1234-5678` is `01012345678`.
 * @param {string} text
 */
export function phoneDigitsOf(text) {
  const digits = digitsOf(text.normalize("NFKC")).replace(/^0082/, "82");
  // No number dialled inside Korea begins with 82.
  return digits.startsWith("82") ? `0${digits.slice(2).replace(/^0+/, "")}` : digits;
}

/**
 * With dashes, while it is typed. What is no mobile number yet, such as the begin of `+82`, stays as it stands.
 * @param {string} text
 */
export function formatPhone(text) {
  const digits = phoneDigitsOf(text);
  const isDialledAbroad = !digitsOf(text.normalize("NFKC")).startsWith("01");
  if (!digits.startsWith("01") || (isDialledAbroad && digits.length < 10)) return text;
  // All that begin with 010 have eleven digits, the older ones ten or eleven.
  const middle = digits.startsWith("010") || digits.length > 10 ? 4 : 3;
  return [digits.slice(0, 3), digits.slice(3, 3 + middle), digits.slice(3 + middle)].filter(Boolean).join("-");
}

/**
 * Shows calmly when the connection to the server is lost, and when it is back.
 * @module
 */

import { find, setText } from "./dom.js";

// A lost socket that is replaced within this time is nobody's worry.
const PATIENCE_MILLISECONDS = 1_500;
const BACK_MILLISECONDS = 3_000;
const LOST = "연결이 끊겼어요. 다시 연결하고 있어요.";
const BACK = "다시 연결됐어요.";
let timer = 0;
let isShown = false;

/**
 * Fits a stream's `onState`, so the reason comes second.
 * @param {import("../../sdk/core/stream.js").StreamState} state @param {string|null} [_reason]
 * @param {{lost?: string}} [texts] `lost`: what is shown while it is lost
 */
export function showConnection(state, _reason = null, { lost = LOST } = {}) {
  clearTimeout(timer);
  const place = find("connection");
  if (state === "offline" || state === "connecting") {
    const showLost = () => {
      isShown = true;
      setText(place, lost);
    };
    timer = setTimeout(showLost, state === "offline" ? 0 : PATIENCE_MILLISECONDS);
    return;
  }
  // A second reconnect, as after "online", must not take away what was shown a moment ago.
  const isBack = state !== "closed" && (isShown || place?.textContent === BACK);
  isShown = false;
  setText(place, isBack ? BACK : "");
  if (isBack) timer = setTimeout(() => setText(place, ""), BACK_MILLISECONDS);
}

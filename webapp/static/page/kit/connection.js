/**
 * Tells calmly when the line to the server is cut, and when it is back.
 * @module
 */

import { find, say } from "./dom.js";

// A lost socket that polling replaces within this time is nobody's worry.
const PATIENCE_MILLISECONDS = 1_500;
let timer = 0;
let told = false;

/** @param {import("../../sdk/core/stream.js").StreamState} state */
export function showConnection(state) {
  clearTimeout(timer);
  const place = find("connection");
  if (state === "offline" || state === "connecting") {
    timer = setTimeout(
      () => {
        told = true;
        say(place, "연결이 끊겼어요. 다시 연결하고 있어요.");
      },
      state === "offline" ? 0 : PATIENCE_MILLISECONDS,
    );
    return;
  }
  if (!told || state === "closed") {
    say(place, "");
    told = false;
    return;
  }
  told = false;
  say(place, "다시 연결됐어요.");
  timer = setTimeout(() => say(place, ""), 3_000);
}

/**
 * How a page lets go of a person: its own sign-out, one in another tab, somebody else at the browser, and the browser's
 * memory of pages that were left.
 * @module
 */

import { SignOut } from "../../sdk/collection/sign_out.js";
import { KEYS } from "../../sdk/collection/storage.js";
import { find, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";

const SIGNED_OUT = "/?signed-out";
const TAKEN_OVER = "/?taken-over";
const FAREWELLS = {
  [SIGNED_OUT]: "로그아웃했어요. 이 기기에는 아무 기록도 남아 있지 않아요.",
  [TAKEN_OVER]: "이 브라우저에서 다른 분이 기록을 열어서, 열려 있던 기록은 닫았어요.",
};
const FAILED =
  "이 기기에 보관한 기록은 지웠지만, 서버에 연결하지 못해 로그아웃을 마치지 못했어요. 이 브라우저를 떠나기 전에 다시 로그아웃해 주세요.";

/** @typedef {import("../../sdk/welno.js").WelnoClient} WelnoClient */
/** @typedef {{client: WelnoClient, storage: import("../../sdk/welno.js").WelnoStorage,
 *   database: import("../../sdk/welno.js").HealthDatabase, uuid: () => string|null, stop: () => void}} Parts
 *   `uuid`: whose records it shows, if any; `stop` ends what the page follows */

/** The sentence for who comes from `leave`, or "". @param {string} search of the address */
export function farewell(search) {
  return FAREWELLS[`/${search}`] ?? "";
}

/** @param {Parts} parts @returns {SignOut} */
export function watchLeaving({ client, storage, database, uuid, stop }) {
  const leave = (to = SIGNED_OUT) => {
    stop();
    for (const form of document.forms) form.reset(); // a browser fills in again what stood there
    location.replace(to);
  };
  const signOut = new SignOut({ client, storage, database, stop, onElsewhere: () => leave() });
  const isSomebodyElse = () => {
    const here = storage.read(KEYS.patientUuid);
    return here !== null && uuid() !== null && here !== uuid();
  };
  globalThis.addEventListener("storage", ({ key }) => key === KEYS.patientUuid && isSomebodyElse() && leave(TAKEN_OVER));
  globalThis.addEventListener("pageshow", ({ persisted }) => {
    if (persisted && storage.read(KEYS.patientUuid) !== uuid()) location.reload();
  });
  const button = find("sign-out");
  button.addEventListener("click", () =>
    whileBusy(button, async () => {
      try {
        await signOut.run();
        leave();
      } catch (/** @type {any} */ error) {
        stop();
        for (const id of ["content", "openings"]) document.getElementById(id)?.setAttribute("hidden", "");
        showError(find("leaving-failure"), { text: FAILED, reference: error.requestId });
        find("leaving-failure").focus();
      }
    }),
  );
  return signOut;
}

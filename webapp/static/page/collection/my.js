/**
 * `/my`: who looked at the records, what was agreed to, where the person is signed in, and what they can do about it.
 * @module
 */

import { WelnoClient } from "../../sdk/collection/client.js";
import { HealthDatabase } from "../../sdk/collection/database.js";
import { KEYS, WelnoStorage } from "../../sdk/collection/storage.js";
import { find, setText, show, tellStarted, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { showToast } from "../kit/toast.js";
import { troubleOf } from "./errors.js";
import { watchLeaving } from "./leaving.js";
import { offerErasure } from "./my_erase.js";
import { offerExport } from "./my_export.js";
import { offerJoin } from "./my_join.js";
import { loadConsents, loadLooks, loadPlaces } from "./my_lists.js";
import { offerSharing } from "./my_share.js";
import { tellOpenings } from "./openings.js";
import { askForPassword } from "./password.js";
import { passwordLabel } from "./password_offer.js";
import { unlock } from "./unlock.js";

const CLOSED_TO_US = new Set([401, 403, 404]);
const storage = new WelnoStorage();
const client = new WelnoClient({ storage });
const database = new HealthDatabase({ client });
const uuid = new URLSearchParams(location.search).get("uuid") || storage.read(KEYS.patientUuid);
const signOut = watchLeaving({ client, storage, database, uuid: () => uuid, stop: () => {} });

/** @param {string} whose */
async function open(whose) {
  showError(find("my-failure"), null);
  let access;
  try {
    access = await client.sessions(whose);
  } catch (/** @type {any} */ error) {
    if (!CLOSED_TO_US.has(error.status)) {
      showError(find("my-failure"), troubleOf(error, () => open(whose)));
      return;
    }
    await unlock(client, whose);
    storage.write(KEYS.patientUuid, whose);
    await open(whose);
    return;
  }
  show(find("content"));
  const page = { client, storage, uuid: whose };
  offerExport(page);
  offerErasure({ ...page, onErased });
  watchDevice();
  watchPassword(page, access.has_password);
  tellOpenings(access, storage);
  await Promise.all([loadLooks(page), loadConsents(page), loadPlaces(page), offerJoin(page), offerSharing(page)]);
  if (location.hash === "#sessions") find("sessions").scrollIntoView();
}

async function onErased(erasureId) {
  await signOut.forget();
  location.replace(`/my/erased?id=${encodeURIComponent(erasureId)}`);
}

/** A new one signs out everywhere else. @param {any} page @param {boolean} exists */
function watchPassword(page, exists) {
  const button = find("change-password");
  setText(button, passwordLabel(exists));
  button.onclick = async () => {
    if (!(await askForPassword(client, page.uuid, { isChange: exists }))) return;
    watchPassword(page, true);
    await loadPlaces(page);
  };
}

function watchDevice() {
  const button = find("forget-device");
  button.onclick = () =>
    whileBusy(button, async () => {
      try {
        await database.forgetEverything();
        showToast("success", "이 기기에 보관한 기록을 지웠어요.");
      } catch (/** @type {any} */ error) {
        showToast("error", error.message);
      }
    });
}

for (const link of document.querySelectorAll("[data-keep-query]")) keepQuery(/** @type {HTMLAnchorElement} */ (link));
tellStarted();
if (uuid) await open(uuid);
else show(find("nothing"));

/** @param {HTMLAnchorElement} link */
function keepQuery(link) {
  link.search = location.search;
}

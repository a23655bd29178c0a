/**
 * The staff's page for runs: sign-in, the way between the list and one run, and what is shown when the server fails.
 * @module
 */

import { showConnection } from "../kit/connection.js";
import { find, show, tellStarted } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { StaffApi } from "./api.js";
import { RunList } from "./list.js";
import { RunView } from "./run.js";
import { SignIn } from "./sign_in.js";
import { Watch } from "./watch.js";
import { explainToStaff, formatMoment, troubleOf } from "./words.js";

const RUN = /^#run=([0-9a-f-]{36})$/;

const api = new StaffApi();
const list = new RunList(api, () => watch.now());
const view = new RunView(api, (error) => (isRefused(error) ? askToSignIn(explainToStaff(error)) : watch.now()));
const watch = new Watch(load, report);
const signIn = new SignIn(api, () => showView(true));
let shown = ""; // the run that is open

function wantedRun() {
  return RUN.exec(location.hash)?.[1] ?? "";
}

async function load(isCurrent, byItself) {
  api.byItself = byItself;
  await (wantedRun() ? view : list).load(isCurrent);
  if (isCurrent()) find("checked-at").textContent = `${formatMoment(new Date())}에 확인했어요.`;
}

/** False ends the watch: looking again would bring nothing. */
function report(error) {
  showConnection(error?.status === 0 ? "offline" : "closed", null, {
    lost: "서버에 연결하지 못했어요. 보이는 내용은 지난 것일 수 있어요.",
  });
  const isTrouble = error && error.status !== 0 && error.status !== 404 && !isRefused(error);
  showError(find("trouble"), isTrouble ? troubleOf(error) : null);
  if (isRefused(error)) askToSignIn(explainToStaff(error));
  else if (error?.status === 404 && wantedRun()) view.showMissing();
  else return true;
  return false;
}

function isRefused(error) {
  return error?.status === 401 || error?.status === 403;
}

/** @param {string} [reason] */
function askToSignIn(reason = "") {
  api.forget();
  watch.stop();
  list.forget();
  if (find("confirm").open) find("confirm").close("no");
  for (const id of ["list", "run-history", "refreshing", "flower", "sign-out"]) show(find(id), false);
  showConnection("closed");
  showError(find("trouble"), null);
  signIn.ask(reason);
}

/** The view that the address names. @param {boolean} moved whether somebody went there, and the focus goes along */
function showView(moved) {
  if (!api.hasToken) return askToSignIn();
  const id = wantedRun();
  signIn.hide();
  for (const part of ["refreshing", "flower", "sign-out"]) show(find(part));
  show(find("list"), !id);
  show(find("run-history"), Boolean(id));
  if (id) view.open(id);
  document.title = `${id ? "작업 기록" : "수집 작업"} · 웰노 운영`;
  // Back in the list, one stands on the row that one came from.
  const row = id ? null : document.getElementById(`run-${shown}`);
  shown = id;
  if (moved) (row ?? find(id ? "run-history-title" : "list-title")).focus();
  if (id) scrollTo(0, 0);
  watch.now();
}

find("sign-out").addEventListener("click", async () => {
  const ended = api.signOut();
  askToSignIn();
  try {
    await ended;
  } catch (error) {
    // A token that is refused has ended already.
    if (isRefused(error)) return;
    const text = "서버에서 로그인을 끝내지 못했어요. 시간이 지나면 저절로 끝나요.";
    showError(find("trouble"), { text, reference: error.requestId });
  }
});
find("flower").addEventListener("click", async () => {
  try {
    location.assign(await api.openFlower());
  } catch (error) {
    if (isRefused(error)) askToSignIn(explainToStaff(error));
    else showError(find("trouble"), troubleOf(error));
  }
});
find("refresh").addEventListener("click", () => watch.now());
find("auto").addEventListener("change", (event) => {
  watch.auto = event.target.checked;
});
addEventListener("hashchange", () => showView(true));
tellStarted();
showView(false);

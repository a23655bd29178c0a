/**
 * The staff's page for runs: sign-in, the way between list and story, and what to say when the server does not answer.
 * @module
 */

import { find, markField, say, show, whileBusy } from "../kit/dom.js";
import { StaffApi } from "./api.js";
import { RunList } from "./list.js";
import { RunStory } from "./run.js";
import { Watch } from "./watch.js";
import { explainToStaff, formatMoment } from "./words.js";

const STORY = /^#run=([0-9a-f-]{36})$/;

const api = new StaffApi();
const list = new RunList(api, () => watch.now());
const story = new RunStory(api, (error) => (isRefused(error) ? askToSignIn(explainToStaff(error)) : watch.now()));
const watch = new Watch(load, tell);
let shown = ""; // the run whose story is open

function wantedRun() {
  return STORY.exec(location.hash)?.[1] ?? "";
}

async function load(isCurrent) {
  await (wantedRun() ? story : list).load(isCurrent);
  if (isCurrent()) find("checked-at").textContent = `${formatMoment(new Date())}에 확인했어요.`;
}

/** False ends the watch: looking again would bring nothing. */
function tell(error) {
  say(find("connection"), error?.status === 0 ? "서버에 연결하지 못했어요. 보이는 내용은 지난 것일 수 있어요." : "");
  const told = error && error.status !== 0 && error.status !== 404 && !isRefused(error);
  say(find("trouble"), told ? explainToStaff(error) : "");
  if (isRefused(error)) askToSignIn(explainToStaff(error));
  else if (error?.status === 404 && wantedRun()) story.miss();
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
  for (const id of ["list", "story", "refreshing", "sign-out"]) show(find(id), false);
  for (const id of ["connection", "trouble"]) say(find(id), "");
  show(find("sign-in"));
  const input = find("token");
  input.value = "";
  markField("token", reason, reason ? [input] : []);
  if (!reason) input.removeAttribute("aria-invalid");
  input.focus();
}

/** The view that the address names. @param {boolean} moved whether somebody went there, and the focus goes along */
function showView(moved) {
  if (!api.signedIn) return askToSignIn();
  const id = wantedRun();
  show(find("sign-in"), false);
  for (const part of ["refreshing", "sign-out"]) show(find(part));
  show(find("list"), !id);
  show(find("story"), Boolean(id));
  if (id) story.open(id);
  document.title = `${id ? "작업 기록" : "수집 작업"} · 웰노 운영`;
  // Back in the list, one stands on the row that one came from.
  const row = id ? null : document.getElementById(`run-${shown}`);
  shown = id;
  if (moved) (row ?? find(id ? "story-title" : "list-title")).focus();
  if (id) scrollTo(0, 0);
  watch.now();
}

find("sign-in-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = find("token");
  whileBusy(event.target.querySelector("[type=submit]"), async () => {
    let fault = input.value.trim() ? "" : "직원 토큰을 입력해 주세요.";
    if (!fault) fault = await trySigningIn(input.value.trim());
    markField("token", fault, [input]);
    if (fault) return input.focus();
    input.value = "";
    showView(true);
  });
});

async function trySigningIn(token) {
  try {
    await api.signIn(token);
    return "";
  } catch (error) {
    return explainToStaff(error);
  }
}

find("sign-out").addEventListener("click", async () => {
  const told = api.signOut();
  askToSignIn();
  try {
    await told;
  } catch (error) {
    // A token that is refused has ended already.
    if (!isRefused(error)) say(find("trouble"), "서버에서 토큰을 취소하지 못했어요. 남은 시간이 지나면 저절로 끝나요.");
  }
});
find("refresh").addEventListener("click", () => watch.now());
find("auto").addEventListener("change", (event) => {
  watch.auto = event.target.checked;
});
addEventListener("hashchange", () => showView(true));
showView(false);

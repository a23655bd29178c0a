/**
 * The patient's page: which screen there is, what its buttons do, and the call.
 * @module
 */

import { PatientJourney } from "../../sdk/journey/patient_journey.js";
import { PageReports } from "../../sdk/journey/reports.js";
import { showConnection } from "../kit/connection.js";
import { askToConfirm } from "../kit/dialog.js";
import { find, make, setText, show, tellStarted, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { restBriefly } from "../kit/rest.js";
import { showToast } from "../kit/toast.js";
import { CallAlarm } from "./alarm.js";
import { closeNotices, WebPush } from "./background.js";
import { CallScreen } from "./call.js";
import { Entry } from "./entry.js";
import { FloorMap } from "./map.js";
import { screenOf } from "./screens.js";
import { faultText, soundText, staleText, troubleOf } from "./words.js";

const VIEWS = ["loading", "away", "welcome", "nfc", "qr", "typed", "login", "state"];
const AGE_MILLISECONDS = 15_000;
// What the worker says when a push service has brought something.
const PUSHED = "welno.journey.pushed";

const reports = new PageReports("journey").watch();
const journey = new PatientJourney({ clientOptions: { onDuration: reports.measure } });
const icon = /** @type {HTMLLinkElement} */ (document.querySelector("link[rel=icon]"));
icon.dataset.call = find("journey").dataset.callIcon;
const alarm = new CallAlarm(icon);
const push = new WebPush(journey.client);
const map = new FloorMap(journey.client);
const callScreen = new CallScreen(alarm, (call) => {
  journey.confirmCall(call);
  draw();
});
const entry = new Entry(journey, {
  showView,
  onDone: () => {
    if (journey.isSignedIn) push.keep();
    draw({ isMoved: true });
  },
});
let stops = /** @type {any[]} */ ([]);
let stopsFor = "";
let drawn = "";
let shownState = "";
let isPushOffered = false;

/** @param {string} name */
function showView(name) {
  for (const view of VIEWS) show(find(`${view}-view`), view === name);
  show(find("sign-out"), journey.isSignedIn);
  if (name !== "state") {
    drawn = "";
    shownState = "";
    map.showFloor(null);
    document.getElementById(`${name}-title`)?.focus();
    scrollTo(0, 0);
  }
}

function draw({ isMoved = false } = {}) {
  drawConnection();
  const state = journey.journeyState;
  if (!journey.isSignedIn && !state) return;
  drawCall();
  if (state === "UNREGISTERED" || state === null) return drawUnregistered(isMoved);
  const told = {
    state,
    entries: journey.queueDetails,
    actions: journey.availableActions,
    appointments: journey.appointments,
    next: journey.nextAppointment,
    guidance: journey.guidance,
    stops,
    mayStepAside: journey.delaysLeft !== 0,
  };
  askForStops(state);
  const now = JSON.stringify([told, alarm.isUnlocked]);
  if (now === drawn) return;
  drawn = now;
  drawState(state, screenOf(told, (button) => makeButton(button, "wide")));
}

/** @param {boolean} isMoved */
function drawUnregistered(isMoved) {
  if (journey.journeyState === null) return;
  const isThere = VIEWS.slice(2, 7).some((view) => !find(`${view}-view`).hidden);
  if (!isThere || isMoved) entry.welcome();
}

/** @param {string} state @param {import("./screens.js").Screen} screen */
function drawState(state, screen) {
  const isNew = state !== shownState;
  const focused = document.activeElement?.id;
  shownState = state;
  showView("state");
  setText(find("state-title"), screen.title);
  find("state-body").replaceChildren(...screen.body);
  find("state-buttons").replaceChildren(
    ...screen.buttons.map((button) => makeButton(button, button.isMain ? "primary wide" : "quiet")),
  );
  // The same word opens the payment and confirms it, at the same place.
  if (isNew && state === "PAYMENT") restBriefly(find("state-buttons").children);
  if (focused?.startsWith("do-")) document.getElementById(focused)?.focus();
  drawSound(screen.asksSound);
  map.showFloor(screen.floor);
  if (find("announce").textContent !== screen.announce) find("announce").textContent = screen.announce;
  if (!isNew) return;
  showError(find("state-failed"), null);
  if (!callScreen.isOpen) find("state-title").focus();
  scrollTo(0, 0);
}

/** Its id is that of its entry: the focus stays with the line that it is about, wherever the button stands by then.
 * @param {import("./screens.js").Button} button @param {string} look */
function makeButton(button, look) {
  const id = ["do", button.act, ...(button.payload?.queue_id ? [button.payload.queue_id] : [])].join("-");
  const element = make("button", { type: "button", class: look, id }, button.label);
  if (button.name) element.setAttribute("aria-label", button.name);
  element.addEventListener("click", () => whileBusy(/** @type {any} */ (element), () => press(button)));
  return element;
}

/** @param {import("./screens.js").Button} button */
async function press({ act, payload, question }) {
  if (question && !(await askToConfirm(question))) return;
  showError(find("state-failed"), null);
  try {
    if (act === "delay") await delay(payload);
    else await journey.performAction(act, payload);
  } catch (/** @type {any} */ error) {
    if (error.status === undefined) throw error;
    showError(find("state-failed"), troubleOf(error));
    if (error.code === "STATE_CONFLICT") journey.refresh().catch(() => null);
  }
}

/** @param {{queue_id: string, delayed: boolean}} payload */
async function delay({ queue_id, delayed }) {
  await journey.client.delay(queue_id, delayed);
  await journey.refresh();
}

/** @param {boolean} isAsked */
function drawSound(isAsked) {
  const isShown = isAsked && !alarm.isUnlocked;
  show(find("sound-part"), isShown);
  if (!isShown) return;
  setText(find("sound-text"), soundText(isPushOffered));
  push.isOffered().then((isOffered) => {
    isPushOffered = isOffered;
    setText(find("sound-text"), soundText(isOffered));
  });
}

/** The best order of today, anew with each state. @param {string} state */
async function askForStops(state) {
  const needed = state === "REGISTERED" || state === "COMPLETED";
  const about = needed ? JSON.stringify([state, journey.appointments]) : "";
  if (about === stopsFor) return;
  stopsFor = about;
  stops = [];
  if (!needed) return;
  // Without it the appointments are shown as they are.
  const plan = await journey.client.itinerary().catch(() => null);
  if (stopsFor !== about || !plan) return;
  stops = plan.stops;
  draw();
}

function drawCall() {
  const call = journey.unseenCall;
  if (!call && callScreen.isOpen) callScreen.hide();
}

/** Whoever sees the page sees what they are about; a call's stays until it is read. */
function closeOldNotices() {
  if (!document.hidden && !journey.unseenCall) closeNotices().catch(() => null);
}

function drawConnection() {
  const { connection } = journey;
  showConnection(connection, null, { lost: staleText(journey.staleMinutes) });
}

/** @param {any} call */
function cryOut(call) {
  const steps = journey.guidance?.steps ?? [];
  callScreen.show(call, steps.filter((/** @type {any} */ step) => typeof step === "string").join("\n"));
}

async function start() {
  showView("loading");
  try {
    if (!(await journey.start())) return journey.memory.scan ? entry.askWho() : entry.welcome();
    if (journey.isSignedIn) push.keep();
    draw();
    closeOldNotices();
  } catch (/** @type {any} */ error) {
    if (error.status === undefined) throw error;
    setText(find("away-title"), error.status === 0 ? "연결하지 못했어요" : faultText(error));
    showView("away");
  }
}

journey.onChange(() => draw());
journey.onCalled(cryOut);
journey.onCallWithdrawn(() => showToast("info", "호출이 취소됐어요. 조금 더 기다려 주세요."));
journey.onSignedOut(() => {
  if (callScreen.isOpen) callScreen.hide();
  push.drop().catch(() => null); // where it fails the server tells this browser nothing all the same
  entry.welcome();
});
find("again").addEventListener("click", start);
find("sound-on").addEventListener("click", () =>
  whileBusy(find("sound-on"), async () => {
    await alarm.unlock();
    show(find("sound-part"), false);
    showToast("success", "호출 소리를 켰어요.");
    push.keep().then((isKept) => isKept && showToast("success", "화면을 닫아도 알려 드려요."));
    if (callScreen.isOpen) cryOut(journey.unseenCall);
  }),
);
find("sign-out").addEventListener("click", async () => {
  const question = {
    title: "나갈까요?",
    text: "다시 보려면 접수를 새로 해야 해요.",
    yes: "나가기",
    look: /** @type {const} */ ("danger"),
  };
  if (await askToConfirm(question)) await journey.signOut().catch(() => null);
});
navigator.serviceWorker?.addEventListener("message", ({ data }) => {
  if (data === PUSHED) journey.refresh().then(closeOldNotices, () => null);
});
document.addEventListener("visibilitychange", () => {
  closeOldNotices();
  // Who comes back sees an open call at once, and hears it again.
  if (!document.hidden && journey.unseenCall) cryOut(journey.unseenCall);
});
setInterval(drawConnection, AGE_MILLISECONDS);
tellStarted();
start();

/**
 * A hall's screen: follows its stream day and night, and says so when what it shows is old.
 * @module
 */

import { connect, isConnected } from "../../sdk/core/stream.js";
import { JourneyClient } from "../../sdk/journey/client.js";
import { PageReports } from "../../sdk/journey/reports.js";
import { hallStream } from "../../sdk/journey/subjects.js";
import { find, setText, show } from "../kit/dom.js";
import { Calls, makeRoom, roomsOfTurn } from "./hall_rooms.js";
import { clockText, roomText } from "./words.js";

const PATIENCE_MILLISECONDS = 3_000;
const AGAIN_MILLISECONDS = 10_000;
const TURN_SECONDS = 10;
const CHIME = [880, 660];

const displayId = decodeURIComponent(location.pathname.split("/")[2] ?? "");
// Behind the #, so that it is in no request and no log of addresses.
const key = new URLSearchParams(location.hash.slice(1)).get("key") ?? "";
new PageReports("hall").watch();
const client = new JourneyClient({ isRefreshable: false, credentials: "omit", cache: "no-store", onLoggedOut: refuse });
const calls = new Calls();
let audio = /** @type {AudioContext|null} */ (null);
let hall = /** @type {any} */ (null);
let stream = /** @type {import("../../sdk/core/stream.js").Stream|null} */ (null);
let heardAt = 0;
let lostSince = Date.now();
let isRefused = false;
let seconds = 0;

/** Tried again for as long as the screen is on: the network may be away for a night. */
async function start() {
  client.useToken(key);
  stream?.close();
  stream = null;
  try {
    const { sockets } = await client.definitions();
    take(await client.request("GET", `/hall/${encodeURIComponent(displayId)}`));
    isRefused = false;
    stream = connect(hallStream(client, sockets, displayId), {
      onEvent: (event) => event.data && take(event.data),
      onStatus: (told) => told && take(told),
      onState: (state) => noteState(state),
      share: false,
    });
  } catch (/** @type {any} */ error) {
    if (error.status === undefined) throw error;
    if (error.status >= 400 && error.status < 429) refuse();
    setTimeout(start, AGAIN_MILLISECONDS);
  }
}

function refuse() {
  isRefused = true;
  draw();
}

/** @param {any} told */
function take(told) {
  hall = told;
  heardAt = Date.now();
  const fresh = calls.learn(hall, Date.now());
  if (fresh.length > 0) announce(fresh);
  draw();
}

/** @param {import("../../sdk/core/stream.js").StreamState} state */
function noteState(state) {
  const isHeard = isConnected(state);
  if (isHeard) lostSince = 0;
  else if (lostSince === 0) lostSince = Date.now();
  // An unchanged hall sends nothing: while the line is open it is as it was.
  if (isHeard && hall) heardAt = Date.now();
  if (state === "closed") setTimeout(start, AGAIN_MILLISECONDS);
  draw();
}

function draw() {
  const isLost = lostSince > 0 && Date.now() - lostSince > PATIENCE_MILLISECONDS;
  setText(find("lost"), lostText(isLost));
  const isShown = hall !== null && !isLost && !isRefused;
  show(find("rooms"), isShown);
  if (!isShown) return;
  const isNew = (/** @type {any} */ room) => calls.isNew(room, Date.now());
  const rooms = roomsOfTurn(hall.rooms, Math.floor(seconds / TURN_SECONDS), isNew);
  const shown = rooms.map((room) => calls.newFirst(room, Date.now()));
  const drawn = JSON.stringify(shown.map((room) => [room, isNew(room)]));
  const place = find("rooms");
  if (place.dataset.drawn === drawn) return;
  place.dataset.drawn = drawn;
  place.className = `hall-rooms of-${shown.length}`;
  place.replaceChildren(...shown.map((room) => makeRoom(room, isNew(room))));
}

/** @param {boolean} isLost */
function lostText(isLost) {
  if (isRefused) return "이 화면을 쓸 수 없어요. 열쇠를 확인해 주세요.";
  if (isLost) return heardAt ? `연결이 끊겼어요 · 마지막 갱신 ${clockText(heardAt)}` : "연결이 끊겼어요";
  return hall ? "" : "잠시만 기다려 주세요.";
}

/** A chime without a name, and the numbers for screen readers. @param {{room: any, call: any}[]} fresh */
function announce(fresh) {
  const told = fresh.map(({ room, call }) => `${call.queue_number}번, ${roomText(room.room)}`);
  setText(find("called"), told.join(". "));
  if (audio?.state !== "running") return;
  CHIME.forEach((pitch, index) => strike(/** @type {AudioContext} */ (audio), pitch, index * 0.45));
}

/** @param {AudioContext} context @param {number} pitch @param {number} after seconds */
function strike(context, pitch, after) {
  const [source, envelope] = [context.createOscillator(), context.createGain()];
  const at = context.currentTime + after;
  source.frequency.value = pitch;
  envelope.gain.setValueAtTime(0.5, at);
  envelope.gain.exponentialRampToValueAtTime(0.0001, at + 0.9);
  source.connect(envelope).connect(context.destination);
  source.start(at);
  source.stop(at + 0.9);
}

async function turnSoundOn() {
  audio ??= new AudioContext();
  await audio.resume();
  show(find("sound"), audio.state !== "running");
}

function tick() {
  seconds += 1;
  if (stream && lostSince === 0) heardAt = Date.now();
  find("clock").textContent = clockText(Date.now());
  draw();
}

find("sound").addEventListener("click", turnSoundOn);
// Where the browser lets a screen sound without a press, as in a kiosk, it does.
audio = new AudioContext();
show(find("sound"), audio.state !== "running");
audio.onstatechange = () => show(find("sound"), audio?.state !== "running");
navigator.wakeLock?.request("screen").catch(() => null);
setInterval(tick, 1_000);
tick();
start();

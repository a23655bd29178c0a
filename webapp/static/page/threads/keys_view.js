/**
 * A thread's keys and devices: what this device can open, and the fingerprints that people compare.
 * @module
 */

import { find, make } from "../kit/dom.js";
import { explainCode, nameDeviceState, nameDeviceType, nameMember } from "./words.js";

const NO_KEY = ["아직 열쇠가 없어요.", "지금 쓸 수 있는 열쇠가 없어요."];

/** @typedef {import("../../sdk/threads/thread_keys.js").KnownKeys} KnownKeys */
/** @typedef {import("../../sdk/threads/thread_crypto.js").ToldDevice} ToldDevice */

/**
 * @param {KnownKeys} known @param {import("../../sdk/threads/session.js").ThreadsSession} session
 * @param {Record<string, string>} fingerprints by deviceId
 */
export function showKeys({ kid, failures, devices }, session, fingerprints) {
  const faults = failures.map((one) => `${one.kid}: ${explainCode(one.code)}`);
  find("keys-facts").textContent = [kid ? `지금 쓰는 열쇠: ${kid}` : NO_KEY[Number(faults.length > 0)], ...faults].join(" ");
  const rows = devices.map((device) => makeRow(device, fingerprints[device.deviceId], session));
  find("devices").replaceChildren(...rows);
}

/** @param {ToldDevice} device @param {string} fingerprint @param {import("../../sdk/threads/session.js").ThreadsSession} session */
function makeRow(device, fingerprint, { memberId, device: own }) {
  const here = device.deviceId === own.deviceId ? " · 이 기기" : "";
  const facts = `${nameMember(device.memberId, memberId)}${here} · ${nameDeviceType(device.type)} · ${nameDeviceState(device.state)}`;
  return make("li", { class: "row" }, make("p", {}, facts), make("code", { class: "fingerprint" }, fingerprint));
}

/**
 * The call that cannot be missed: sound, vibration, speech, title, icon and, behind another tab, a notification.
 *
 * Sound needs a press of a button before; all else is tried whether or not it was pressed.
 * @module
 */

import { closeNotices, registerWorker } from "./background.js";

const EVERY_SECONDS = 4;
const LONGEST_SECONDS = 180;
const TONES = [660, 880, 1175];
const TONE_SECONDS = 0.28;
const LOUDNESS = 0.6;
const VIBRATION = [800, 300, 800, 300, 800, 300, 800, 300, 800, 300];
const NOTICE_TAG = "welno-call";

export class CallAlarm {
  #icon;
  #calmIcon;
  #calmTitle = "";
  #audio = /** @type {AudioContext|null} */ (null);
  #loudness = /** @type {GainNode|null} */ (null);
  #worker = /** @type {ServiceWorkerRegistration|null} */ (null);
  #lock = /** @type {WakeLockSentinel|null} */ (null);
  #repeat = 0;
  #repeatsLeft = 0;
  #isRinging = false;
  #isUnlocked = false;

  /** @param {HTMLLinkElement} icon the page's, with `data-call` for the one of a call */
  constructor(icon) {
    this.#icon = icon;
    this.#calmIcon = icon.href;
    document.addEventListener("visibilitychange", () => this.#keepAwake());
  }

  get isUnlocked() {
    return this.#isUnlocked;
  }
  get isRinging() {
    return this.#isRinging;
  }

  /** Within the press of a button: the browser lets sound through from now on, and asks for the rest. */
  async unlock() {
    this.#audio ??= new AudioContext();
    await this.#audio.resume();
    this.#isUnlocked = true;
    this.#sound(1);
    await Promise.all([this.#keepAwake(), this.#askToNotify()]);
  }

  /** Until it is stopped, three minutes at most; a second call begins anew.
   * @param {{title: string, sentence: string}} call */
  ring({ title, sentence }) {
    this.stop();
    this.#isRinging = true;
    this.#calmTitle = document.title;
    document.title = title;
    this.#icon.href = this.#icon.dataset.call ?? this.#calmIcon;
    // The sounds are given to the audio clock at once: the timers of a tab in the background are slowed down.
    this.#sound(Math.floor(LONGEST_SECONDS / EVERY_SECONDS));
    this.#repeatsLeft = Math.floor(LONGEST_SECONDS / EVERY_SECONDS);
    this.#vibrate();
    this.#speak(sentence);
    if (document.hidden) this.#notify();
  }

  stop() {
    if (!this.#isRinging) return;
    this.#isRinging = false;
    clearTimeout(this.#repeat);
    this.#loudness?.disconnect();
    if (navigator.userActivation?.hasBeenActive !== false) navigator.vibrate?.(0);
    globalThis.speechSynthesis?.cancel();
    document.title = this.#calmTitle;
    this.#icon.href = this.#calmIcon;
    closeNotices().catch(() => null);
  }

  /** @param {number} times */
  #sound(times) {
    const audio = this.#audio;
    if (audio?.state !== "running") return;
    this.#loudness?.disconnect();
    this.#loudness = audio.createGain();
    this.#loudness.connect(audio.destination);
    for (let turn = 0; turn < times; turn += 1)
      TONES.forEach((pitch, index) =>
        this.#tone(pitch, audio.currentTime + turn * EVERY_SECONDS + index * TONE_SECONDS),
      );
  }

  /** @param {number} pitch @param {number} at of the audio clock */
  #tone(pitch, at) {
    const audio = /** @type {AudioContext} */ (this.#audio);
    const [source, envelope] = [audio.createOscillator(), audio.createGain()];
    source.type = "triangle";
    source.frequency.value = pitch;
    envelope.gain.setValueAtTime(0.0001, at);
    envelope.gain.exponentialRampToValueAtTime(LOUDNESS, at + 0.03);
    envelope.gain.exponentialRampToValueAtTime(0.0001, at + TONE_SECONDS);
    source.connect(envelope).connect(/** @type {GainNode} */ (this.#loudness));
    source.start(at);
    source.stop(at + TONE_SECONDS);
  }

  #vibrate() {
    // Before the first touch a browser refuses it, and says so in the console.
    if (navigator.userActivation?.hasBeenActive !== false) navigator.vibrate?.(VIBRATION);
    this.#repeatsLeft -= 1;
    if (this.#repeatsLeft > 0) this.#repeat = setTimeout(() => this.#vibrate(), EVERY_SECONDS * 1000);
  }

  /** @param {string} sentence */
  #speak(sentence) {
    const speech = globalThis.speechSynthesis;
    if (!speech || !this.#isUnlocked) return;
    const spoken = new SpeechSynthesisUtterance(sentence);
    spoken.lang = "ko-KR";
    spoken.rate = 0.9;
    speech.speak(spoken);
  }

  async #keepAwake() {
    if (!this.#isUnlocked || document.hidden || !navigator.wakeLock || (this.#lock && !this.#lock.released)) return;
    // Refused on a low battery: the screen then goes out as ever.
    this.#lock = await navigator.wakeLock.request("screen").catch(() => null);
  }

  async #askToNotify() {
    if (!("Notification" in globalThis)) return;
    try {
      await Notification.requestPermission();
      this.#worker ??= await registerWorker();
    } catch {
      // Without a worker the page itself notifies, where it may.
    }
  }

  /** No word of what for: it lies on the lock screen. */
  async #notify() {
    if (!("Notification" in globalThis) || Notification.permission !== "granted") return;
    const [title, body] = ["진료 순서가 되었어요", "눌러서 확인해 주세요."];
    const how = { body, tag: NOTICE_TAG, renotify: true, requireInteraction: true, icon: this.#icon.dataset.call };
    try {
      if (this.#worker?.active) await this.#worker.showNotification(title, how);
      else new Notification(title, how).onclick = () => globalThis.focus();
    } catch {
      // On Android a page may notify through a worker alone.
    }
  }
}

/**
 * When a page is put away, is back, or has reason to test its connection.
 * @module
 */

/** @param {{wake: () => void, pause: () => void, resume: () => void}} act @param {AbortSignal} signal ends it */
export function watchPage({ wake, pause, resume }, signal) {
  const page = globalThis.document;
  const on = (/** @type {EventTarget|undefined} */ target, /** @type {string} */ name, /** @type {() => void} */ then) =>
    target?.addEventListener?.(name, then, { signal });
  on(globalThis, "online", wake);
  on(page, "visibilitychange", () => page.hidden || wake());
  // A page that is put away keeps neither connection nor lock: the other tabs would wait for a leader that is frozen.
  on(globalThis, "pagehide", pause);
  on(page, "freeze", pause);
  on(globalThis, "pageshow", resume);
  on(page, "resume", resume);
}

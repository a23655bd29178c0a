/**
 * Sends a body and tells how much of it is on its way: an XMLHttpRequest can, a fetch cannot.
 * @module
 */

import { WelnoError } from "../core/errors.js";

const TIMEOUT_MILLISECONDS = 11 * 60_000; // the server takes an upload for up to ten minutes

/**
 * @param {string} url @param {FormData|string} body
 * @param {{headers?: Record<string, string>, onProgress?: (sent: number) => void, signal?: AbortSignal}} [how]
 *   `onProgress` gets from 0 to 1
 * @returns {Promise<Response>} rejects with a WelnoError of status 0 when no answer came
 */
export function sendBody(url, body, { headers = {}, onProgress = () => {}, signal } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const fail = (/** @type {string} */ code) => () => reject(new WelnoError({ code, status: 0 }));
    request.open("POST", url);
    request.withCredentials = true;
    request.timeout = TIMEOUT_MILLISECONDS;
    request.setRequestHeader("Accept", "application/json");
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
    request.upload.onload = () => onProgress(1);
    request.onload = () => resolve(responseOf(request));
    request.onerror = request.ontimeout = fail("NETWORK_UNREACHABLE");
    request.onabort = fail("ABORTED");
    if (signal?.aborted) return fail("ABORTED")();
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}

/** @param {XMLHttpRequest} request @returns {Response} */
function responseOf(request) {
  const lines = request.getAllResponseHeaders().trim().split(/\r?\n/).filter(Boolean);
  const headers = lines.map((line) => /** @type {[string, string]} */ (line.split(/:\s*(.*)/s, 2)));
  return new Response(request.status === 204 ? null : request.responseText, { status: request.status, headers });
}

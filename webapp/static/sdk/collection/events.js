/**
 * What a session's events are called, and which of them are the last: pure.
 * @module
 */

/** The one name of an event, wherever it stands. @param {{type: string, status?: string}} event */
export function eventName(event) {
  return event.type === "streaming_status" ? (event.status ?? event.type) : event.type;
}

const ENDS = ["expired", "cancelled"];

/** Why no further event can come, or null. @param {{type: string, status?: string}} event */
export function ending(event) {
  if (eventName(event) === "completed") return "completed";
  if (ENDS.includes(event.type)) return event.type;
  // Older servers wrote both as errors.
  return event.type === "error" && ENDS.includes(event.status ?? "") ? (event.status ?? null) : null;
}

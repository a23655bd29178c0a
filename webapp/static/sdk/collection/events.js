/**
 * What a session's events are called, and which of them are the last: pure.
 * @module
 */

/** The one name of an event, wherever it stands. @param {{type: string, status?: string}} event */
export function eventName(event) {
  return event.type === "streaming_status" ? (event.status ?? event.type) : event.type;
}

/** Why no further event can come, or null. @param {{type: string, status?: string}} event */
export function ending(event) {
  if (eventName(event) === "completed") return "completed";
  if (event.type === "error" && (event.status === "expired" || event.status === "cancelled")) return event.status;
  return null;
}

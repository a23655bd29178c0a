/**
 * The browser client of welno: import this file, nothing else is needed.
 *
 *     import { Collection, WelnoClient } from "/static/sdk/welno.js";
 * @module
 */

export { Collection } from "./collection.js";
export { HealthDatabase } from "./database.js";
export {
  decide,
  fromStatus,
  initialFlow,
  REPORT_PATH,
  resultsAddress,
  resume,
  TREND_PATH,
  wantsReport,
} from "./flow.js";
export { mergeRecord } from "./merge.js";
export { eventName, reconnectSeconds } from "./ordering.js";
export { advance, initialProgress, percentOf, progressFromStatus } from "./progress.js";
export { WelnoClient, WelnoError } from "./session.js";
export { KEYS, MemoryStorage, WelnoStorage } from "./storage.js";
export { connect, Stream } from "./stream.js";
export { sessionStream } from "./subjects.js";

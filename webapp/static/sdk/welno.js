/**
 * The browser client of welno: import this file, nothing else is needed.
 *
 *     import { Collection, WelnoClient } from "/static/sdk/welno.js";
 * @module
 */

export { WelnoClient } from "./collection/client.js";
export { Collection } from "./collection/collection.js";
export { HealthDatabase } from "./collection/database.js";
export { eventName } from "./collection/events.js";
export {
  decide,
  fromStatus,
  initialFlow,
  REPORT_PATH,
  resultsAddress,
  resume,
  TREND_PATH,
  wantsReport,
} from "./collection/flow.js";
export { mergeRecord } from "./collection/merge.js";
export { advance, initialProgress, percentOf, progressFromStatus } from "./collection/progress.js";
export { SignOut } from "./collection/sign_out.js";
export { KEYS, WelnoStorage } from "./collection/storage.js";
export { sessionStream } from "./collection/subject.js";
export { reconnectSeconds } from "./core/closing.js";
export { WelnoError } from "./core/errors.js";
export { MemoryStorage } from "./core/storage.js";
export { connect, Stream } from "./core/stream.js";
export { PersonaChat } from "./interviews/chat.js";
export { InterviewsClient } from "./interviews/client.js";
export { InterviewFeed } from "./interviews/feed.js";
export { projectStream } from "./interviews/subject.js";
export { JourneyClient } from "./journey/client.js";
export { JourneyMemory } from "./journey/memory.js";
export { NfcReader, TagReadError } from "./journey/nfc_reader.js";
export { PatientJourney } from "./journey/patient_journey.js";
export { PageReports } from "./journey/reports.js";
export { examStream, hallStream, patientStream, queueStream } from "./journey/subjects.js";

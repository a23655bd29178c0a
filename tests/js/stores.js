/** What several of these tests set up. */

import { WelnoStorage } from "../../webapp/static/sdk/collection/storage.js";
import { MemoryStorage } from "../../webapp/static/sdk/core/storage.js";

export function memoryStorage() {
  return new WelnoStorage({ lasting: new MemoryStorage(), tab: new MemoryStorage() });
}

export function event(type, { status, data, seq = 1, epoch = "e" } = {}) {
  return {
    type,
    status,
    data,
    seq,
    epoch,
    session_id: "s",
    message: `about ${status ?? type}`,
    timestamp: `2026-01-01T00:00:0${seq % 10}.000Z`,
  };
}

export const streaming = (status, data, more = {}) => event("streaming_status", { status, data, ...more });

export const PATIENT = { patient_uuid: "u-1", hospital_id: "PEERNINE" };

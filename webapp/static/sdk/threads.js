/**
 * Encrypted threads for front ends: import this file, nothing else is needed.
 *
 *     const crypto = new WorkerLink();
 *     const session = await openThreads({ client, crypto });
 *     const sender = new ThreadSender({ client, crypto, database: session.database });
 *     await sender.send(threadId, "hello"); // on this computer's disk from here on
 *
 * A page that uses it needs `worker-src 'self'` and `trusted-types welno` in its Content-Security-Policy.
 * @module
 */

export { WelnoError } from "./core/errors.js";
export { StoreError } from "./core/storage.js";
export { BlobDownload } from "./threads/blob_download.js";
export { BLOB_MAX_BYTES, BLOB_TYPE, readBlobMessage, writeBlobMessage } from "./threads/blob_message.js";
export { BlobUpload } from "./threads/blob_upload.js";
export { ThreadsClient } from "./threads/client.js";
export { fingerprintOf } from "./threads/devices.js";
export { PLAINTEXT_MAX_BYTES } from "./threads/envelopes.js";
export { DisbelievedError, FirstDeviceError } from "./threads/errors.js";
export { KeptUploads } from "./threads/kept_uploads.js";
export { KeyRotation } from "./threads/key_rotation.js";
export { Outbox } from "./threads/outbox.js";
export { OwnDevices } from "./threads/own_devices.js";
export { ThreadReceiver } from "./threads/receiver.js";
export { RESEND_TYPE, ResendAsking } from "./threads/resend.js";
export { ThreadSender } from "./threads/sender.js";
export { openThreads } from "./threads/session.js";
export { threadStream } from "./threads/subject.js";
export { WorkerLink } from "./threads/worker_link.js";

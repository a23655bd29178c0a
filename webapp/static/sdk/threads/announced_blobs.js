/**
 * Completes blobs once more after their envelopes: a member who joined in between, with what comes from now on alone, is
 * shown the envelope, and the blob only if it was completed since.
 * @module
 */

const SIGNED_OUT = 401;

/** @param {import("./outbox.js").Outbox} outbox @param {Pick<import("./client.js").ThreadsClient, "completeBlob">} client
 * @returns {Promise<boolean>} false: the server does not answer just now, and some are left */
export async function completeAnnounced(outbox, client) {
  for (const { threadId, blobId, parts, sealedHash } of await outbox.announced()) {
    try {
      await client.completeBlob(threadId, blobId, { parts, sealedHash });
    } catch (/** @type {any} */ error) {
      if (error.status === undefined) throw error;
      if (error.retryable || error.status === SIGNED_OUT) return false;
      // Gone with its thread, or of a member who writes there no more: it stays as it is.
    }
    await outbox.forgetAnnounced(blobId);
  }
  return true;
}

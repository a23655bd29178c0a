"""What the codes of the threads mean."""

from collections.abc import Mapping

from webapp.error_codes import Code, Meaning

THREAD_MEANINGS: Mapping[Code, Meaning] = {
    Code.INVALID_KEY: Meaning(
        400,
        "이 기기의 키를 쓸 수 없어요.",
        "A public key of low order, or none; `details.field` says which.",
    ),
    Code.BAD_SIGNATURE: Meaning(
        400,
        "서명이 맞지 않아요.",
        "Not signed by the device that it names, or changed since; also of an envelope.",
    ),
    Code.INVALID_ENVELOPE: Meaning(
        400,
        "메시지의 형식이 맞지 않아요.",
        "Of one envelope in a push: a field is unknown, missing or malformed.",
    ),
    Code.HASH_MISMATCH: Meaning(
        400,
        "메시지가 도중에 바뀌었어요.",
        "Of one envelope in a push: `payloadHash` is not that of its payload; of a blob: `sealedHash` is not its.",
    ),
    Code.UNKNOWN_DEVICE: Meaning(
        403,
        "등록되지 않은 기기예요.",
        "Not an active device of whoever calls; also of an envelope's `clientId`.",
    ),
    Code.THREAD_NOT_FOUND: Meaning(404, "대화를 찾을 수 없어요.", "Unknown thread, closed, or not yours."),
    Code.BLOB_NOT_FOUND: Meaning(
        404, "파일을 찾을 수 없어요.", "Unknown blob, not complete, erased, or of before you came."
    ),
    Code.DEVICE_NOT_FOUND: Meaning(404, "기기를 찾을 수 없어요.", "Unknown device, or not yours."),
    Code.MEMBER_NOT_FOUND: Meaning(404, "대화에 없는 사람이에요.", "Nobody in the thread has this `memberId`."),
    Code.SERVICE_NOT_MEMBER: Meaning(
        409,
        "웰노가 이 대화방에 없어요.",
        "`service:welno` is not in the thread, or is only its reader.",
    ),
    Code.DEVICE_EXISTS: Meaning(
        409,
        "이미 등록된 기기예요.",
        "The `deviceId` is another device's, or this one's with other keys.",
    ),
    Code.TOO_MANY_DEVICES: Meaning(
        409,
        "등록할 수 있는 기기가 다 찼어요. 쓰지 않는 기기를 지워 주세요.",
        "`WELNO_THREADS_DEVICES_MAX` is reached.",
    ),
    Code.TOO_MANY_MEMBERS: Meaning(
        409, "대화에 들어올 수 있는 사람이 다 찼어요.", "`WELNO_THREADS_MEMBERS_MAX` is reached."
    ),
    Code.KEY_CONFLICT: Meaning(
        409,
        "그 사이에 키가 바뀌었어요.",
        "Another generation was made meanwhile; `details.next` may be made now.",
    ),
    Code.WRAPS_INCOMPLETE: Meaning(
        409,
        "그 사이에 기기가 바뀌었어요. 다시 시도해 주세요.",
        "A secret must be sealed to exactly the active devices; `details.missing`, `details.unknown`.",
    ),
    Code.KEYSET_NEEDED: Meaning(
        409,
        "새 키가 필요해요.",
        "Removing somebody, and adding somebody without the history, need a `keyset`.",
    ),
    Code.LAST_OWNER: Meaning(409, "관리하는 사람이 한 명은 있어야 해요.", "The thread's only owner stays."),
    Code.BLOB_CONFLICT: Meaning(
        409,
        "이미 다른 내용으로 올린 파일이에요. 처음부터 다시 올려 주세요.",
        "The `blobId` is another member's, or complete with other content, or one of its parts was sent twice at once.",
    ),
    Code.BLOB_INCOMPLETE: Meaning(
        409, "파일이 아직 다 오지 않았어요. 나머지를 보내 주세요.", "`details.missing` are the parts to send."
    ),
    Code.TOO_MANY_BLOBS: Meaning(
        409, "올릴 수 있는 파일이 다 찼어요.", "`WELNO_THREADS_MEMBER_BLOBS_MAX_BYTES` is reached."
    ),
    Code.DEDUPE_CONFLICT: Meaning(
        409,
        "이미 다른 내용으로 보낸 메시지예요.",
        "Of one envelope: its `dedupeId` was used for another content.",
    ),
    Code.UNKNOWN_KEY: Meaning(409, "아직 없는 키예요.", "Of one envelope: the thread has no such generation."),
    Code.KEY_RETIRED: Meaning(
        409,
        "새 키로 다시 보내 주세요.",
        "Of one envelope: it was never accepted; encrypt it anew, with the same `dedupeId` and `clientSeq`.",
    ),
    Code.CLIENT_SEQ_CONFLICT: Meaning(
        409,
        "같은 번호의 메시지가 이미 있어요.",
        "Of one envelope: another one has its `clientSeq`.",
    ),
    Code.BLOB_TOO_LARGE: Meaning(
        413, "파일이 너무 커요. 20MB까지 보낼 수 있어요.", "A blob's parts exceed `WELNO_THREADS_BLOB_MAX_BYTES`."
    ),
    Code.RANGE_NOT_SATISFIABLE: Meaning(
        416, "파일에 없는 부분이에요.", "A `Range` behind the blob's end; `Content-Range` tells its length."
    ),
    Code.TOO_LARGE: Meaning(
        413,
        "메시지가 너무 커요.",
        "Of one envelope: its payload exceeds `WELNO_THREADS_PAYLOAD_MAX_BYTES`.",
    ),
}

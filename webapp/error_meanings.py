"""What each code means: its status, the sentence for the person, and its line of docs/errors.md."""

from collections.abc import Mapping

from webapp.error_codes import Code, Meaning
from webapp.shl_meanings import HEALTH_LINK_MEANINGS
from webapp.thread_meanings import THREAD_MEANINGS

CODES: Mapping[Code, Meaning] = {
    Code.VALIDATION_FAILED: Meaning(
        400, "입력한 내용을 다시 확인해 주세요.", "`details` names each field with what to do."
    ),
    Code.BAD_REQUEST: Meaning(400, "요청을 이해하지 못했어요. 다시 시도해 주세요.", "Not HTTP as it should be."),
    Code.TEXT_TOO_LONG: Meaning(
        400,
        "글이 너무 길어요. 나누어서 올려 주세요.",
        "Above `WELNO_MISO_CONTEXT_MAX_CHARS` characters, as it came or as it is masked.",
    ),
    Code.UNKNOWN_ACTION: Meaning(400, "알 수 없는 요청이에요.", "No such action; nothing is folded or trimmed."),
    Code.INVALID_ACTION: Meaning(
        400,
        "지금은 할 수 없는 일이에요. 화면을 다시 확인해 주세요.",
        "Not in this state; `details.journey_state`, and `details.available_actions` for what may be done now.",
    ),
    Code.SCAN_TOKEN_INVALID: Meaning(
        400, "태그를 다시 한 번 대 주세요.", "The scan token is forged, or of another device."
    ),
    Code.UNAUTHORIZED: Meaning(401, "로그인이 필요해요.", "No valid access token."),
    Code.TOKEN_EXPIRED: Meaning(401, "다시 확인하고 있어요.", "The access token has ended: a refresh helps."),
    Code.TOKEN_REVOKED: Meaning(401, "다시 로그인해 주세요.", "The login was taken back: log in again."),
    Code.REFRESH_REUSED: Meaning(
        401,
        "안전을 위해 로그아웃했어요. 다시 로그인해 주세요.",
        "A refresh token that was exchanged already: the whole login has been revoked.",
    ),
    Code.PASSWORD_WRONG: Meaning(
        401, "비밀번호가 맞지 않아요.", "Wrong password; `details.tries_left` says how many tries remain."
    ),
    Code.LOGIN_FAILED: Meaning(
        401,
        "로그인 정보가 맞지 않아요. 다시 확인해 주세요.",
        "Something that was typed does not fit; not said what.",
    ),
    Code.TOKEN_RENEWED: Meaning(
        401,
        "접속 정보가 바뀌었어요. 다시 시도해 주세요.",
        "The token of the start opens no records: ask the session's status once, and use the `session_token` that it"
        " tells. A browser is given its cookie, and is redirected (307).",
    ),
    Code.SECOND_FACTOR_REQUIRED: Meaning(
        403,
        "인증 앱의 숫자 6자리가 필요해요.",
        "Sign in again with `totp`, or set up a second factor (`POST /api/v1/auth/totp`).",
    ),
    Code.FRESH_PROOF_REQUIRED: Meaning(
        403,
        "본인인지 한 번 더 확인해야 해요. 비밀번호를 입력하거나 휴대폰 인증을 다시 해 주세요.",
        "The approval or the password is older than five minutes: send `password`, or identify again.",
    ),
    Code.CONSENT_REQUIRED: Meaning(
        403,
        "필수 항목에 모두 동의해야 시작할 수 있어요.",
        "`details.missing` names the kinds of consent that are needed, `details.changed` those of them whose text is"
        " another by now: show it and ask again. Nothing was stored, and no provider was asked.",
    ),
    Code.GUARDIAN_REQUIRED: Meaning(
        403,
        "만 14세가 되지 않은 사람은 아직 쓸 수 없어요.",
        "Younger than 14 today in Korea: a guardian would have to agree, which cannot be done yet. Nothing was stored.",
    ),
    Code.FORBIDDEN: Meaning(403, "권한이 없어요.", "A valid token, but not of somebody who may do this."),
    Code.FORBIDDEN_ACTION: Meaning(403, "할 수 없는 일이에요.", "The action is not this role's, in whatever state."),
    Code.ORIGIN_NOT_ALLOWED: Meaning(
        403, "허용되지 않은 사이트에서 온 요청이에요.", "An unsafe call with a cookie, without a listed `Origin`."
    ),
    Code.NOT_FOUND: Meaning(404, "찾을 수 없는 주소예요.", "No such address."),
    Code.SESSION_NOT_FOUND: Meaning(
        404,
        "접속 정보를 찾을 수 없어요. 처음부터 다시 시작해 주세요.",
        "Unknown, ended by time, or not yours. The browser clears its `tilko_*` keys.",
    ),
    Code.PATIENT_NOT_FOUND: Meaning(404, "기록을 찾을 수 없어요.", "Unknown patient, or not yours."),
    Code.QUEUE_NOT_FOUND: Meaning(404, "대기 번호를 찾을 수 없어요.", "Unknown, not active any more, or not yours."),
    Code.TAG_NOT_FOUND: Meaning(404, "등록되지 않은 태그예요. 가까운 다른 태그에 대 주세요.", "Unknown tag."),
    Code.EXAM_NOT_FOUND: Meaning(404, "검사를 찾을 수 없어요.", "Unknown exam or appointment, or not yours."),
    Code.MAP_NOT_FOUND: Meaning(404, "지도를 찾을 수 없어요.", "No such floor or layer."),
    Code.FILE_NOT_FOUND: Meaning(404, "파일을 찾을 수 없어요.", "The spool has no such file (any more)."),
    Code.REQUEST_NOT_FOUND: Meaning(
        404,
        "이 문의 번호로 남은 오류가 없어요.",
        "No error is kept under this request id (any more); the log may know it.",
    ),
    Code.PROJECT_NOT_FOUND: Meaning(404, "프로젝트를 찾을 수 없어요.", "Unknown project, or not yours."),
    Code.INTERVIEW_NOT_FOUND: Meaning(404, "인터뷰를 찾을 수 없어요.", "Unknown interview, erased, or not yours."),
    Code.HIGHLIGHT_NOT_FOUND: Meaning(404, "표시한 곳을 찾을 수 없어요.", "Removed, or of another interview."),
    Code.ACCOUNT_NOT_FOUND: Meaning(404, "계정을 찾을 수 없어요.", "Nobody of the company, or not in the project."),
    Code.PERSONA_NOT_FOUND: Meaning(
        404, "페르소나를 찾을 수 없어요.", "Unknown persona, or of no project of yours, nor of its company."
    ),
    Code.CONVERSATION_NOT_FOUND: Meaning(
        404,
        "이어 갈 대화를 찾을 수 없어요. 새로 시작해 주세요.",
        "Unknown conversation, not yours, or with another persona.",
    ),
    Code.METHOD_NOT_ALLOWED: Meaning(405, "지원하지 않는 요청 방식이에요.", "See the `Allow` header."),
    Code.BODY_TOO_SLOW: Meaning(
        408,
        "보낸 내용을 제시간에 다 받지 못했어요. 다시 시도해 주세요.",
        "The body did not come within `WELNO_BODY_WITHIN_SECONDS`.",
    ),
    Code.AUTH_NOT_REQUESTED: Meaning(409, "먼저 휴대폰 인증을 요청해 주세요.", "collect-data before simple-auth."),
    Code.SESSION_OVER: Meaning(
        409, "이미 끝난 접속이에요. 처음부터 다시 시작해 주세요.", "The session has ended; start a new one."
    ),
    Code.PUSH_PENDING: Meaning(
        409,
        "이 휴대폰 번호로 방금 다른 인증을 요청했어요. 잠시 뒤에 다시 요청해 주세요.",
        "Another session has just sent its request to this phone; after `Retry-After` (`details.seconds_left`) this one"
        " may take the phone over.",
    ),
    Code.NOT_JOINABLE: Meaning(
        409,
        "이 두 기록은 합칠 수 없어요. 이전 기록이 맞는지 확인해 주세요.",
        "The other patient is this one, is newer, was born on another day, is being erased, or one of the two is joined"
        " already.",
    ),
    Code.JOIN_SETTLED: Meaning(
        409,
        "합친 지 30일이 지나서 다시 나눌 수 없어요.",
        "A join can be undone within 30 days; by the older patient at any time.",
    ),
    Code.PASSWORD_EXISTS: Meaning(
        409, "이미 비밀번호가 있어요. 변경하거나 초기화해 주세요.", "`set` for a patient who has a password."
    ),
    Code.FILE_TAKEN: Meaning(409, "다른 작업이 파일을 쓰고 있어요.", "A worker holds the file; try again."),
    Code.FILE_NOT_PARKED: Meaning(409, "보류된 파일만 버릴 수 있어요.", "Only parked files may be discarded."),
    Code.RUN_NOT_STOPPED: Meaning(
        409, "멈춘 작업만 다시 시작할 수 있어요.", "Only a run that stopped with an error may be resumed."
    ),
    Code.STATE_CONFLICT: Meaning(
        409,
        "그 사이에 상태가 바뀌었어요. 화면을 다시 확인해 주세요.",
        "`expected_state` differs (`details.journey_state`), or the entry was taken meanwhile (`details.state`,"
        " `details.room`).",
    ),
    Code.ALREADY_QUEUED: Meaning(409, "이미 대기 중이에요.", "`details.queue` is the entry."),
    Code.QUEUE_EMPTY: Meaning(409, "기다리는 분이 없어요.", "Nobody to call."),
    Code.AMBIGUOUS_LOGIN: Meaning(
        409, "이름이나 휴대폰 번호를 더 알려 주세요.", "More than one fits; `details.needs` says what to add."
    ),
    Code.SCAN_TOKEN_USED: Meaning(409, "태그를 다시 한 번 대 주세요.", "Another person has used the scan token."),
    Code.IDEMPOTENCY_MISMATCH: Meaning(
        409, "요청을 다시 확인해 주세요.", "The idempotency key was used for another body."
    ),
    Code.RECALL_TOO_SOON: Meaning(409, "조금 뒤에 다시 호출해 주세요.", "Called less than 20 seconds ago."),
    Code.ROOM_TAKEN: Meaning(409, "다른 직원이 쓰고 있는 방이에요.", "Somebody's shift holds the room."),
    Code.NO_SHIFT: Meaning(409, "먼저 방을 골라 주세요.", "No open shift of yours."),
    Code.TAG_REPLAYED: Meaning(
        409,
        "휴대폰을 태그에 다시 한 번 대 주세요.",
        "A dynamic tag's counter did not grow: its address was copied, or the page that it opened was loaded again.",
    ),
    Code.INTERVIEW_NOT_FAILED: Meaning(
        409, "실패한 인터뷰만 다시 분석할 수 있어요.", "Only a failed interview may be retried; `completed` is final."
    ),
    Code.INTERVIEW_NOT_DELETED: Meaning(
        409, "삭제된 인터뷰만 되돌릴 수 있어요.", "Only a deleted interview may be restored."
    ),
    Code.INSIGHT_UNDER_WAY: Meaning(
        409, "주제를 찾고 있어요. 끝난 뒤에 다시 시도해 주세요.", "Themes are being made already."
    ),
    Code.NO_INTERVIEWS: Meaning(
        409, "분석이 끝난 인터뷰가 아직 없어요.", "None of the project's interviews is completed."
    ),
    Code.INTERVIEW_UNDER_WAY: Meaning(
        409,
        "이미 분석이 끝났거나 분석하고 있어요.",
        "`process` of what is completed or under way.",
    ),
    Code.NO_KEPT_ANSWER: Meaning(
        409,
        "다시 읽을 분석 결과가 없어요. 다시 분석을 눌러 주세요.",
        "`process` of a failed interview whose last attempt left no answer of MISO: `POST /api/workflow/retry`.",
    ),
    Code.BUDGET_SPENT: Meaning(
        409,
        "이번 달에 쓸 수 있는 분석량을 다 썼거나, 진행 중인 분석에 잡아 두었어요.",
        "The project's `monthly_token_limit` is reached by what was spent, and by what is reserved for analyses under"
        " way (`reserved_tokens` of its costs): no upload, retry, themes or persona until those have used less, or the"
        " month is over.",
    ),
    Code.LAST_ADMIN: Meaning(
        409, "관리자가 한 명은 있어야 해요.", "The only admin of a project, or of the hospital's staff, stays."
    ),
    Code.TAG_INACTIVE: Meaning(
        410, "지금은 쓰지 않는 태그예요. 가까운 다른 태그에 대 주세요.", "The tag was taken out of use."
    ),
    Code.SCAN_TOKEN_EXPIRED: Meaning(410, "태그를 다시 한 번 대 주세요.", "Scanned more than 30 minutes ago."),
    Code.BODY_TOO_LARGE: Meaning(
        413, "보낸 내용이 너무 커요.", "The body exceeds what this call takes, 64 KiB where nothing else is said."
    ),
    Code.FILE_TOO_LARGE: Meaning(
        413, "파일이 너무 커요. 50MB까지 올릴 수 있어요.", "An interview's file exceeds 50 MiB."
    ),
    Code.NOT_JSON: Meaning(415, "JSON 형식으로 보내 주세요.", "The body is not `application/json`."),
    Code.NOT_SVG: Meaning(415, "SVG 파일로 보내 주세요.", "The body is not `image/svg+xml`, where a map is wanted."),
    Code.RATE_LIMITED: Meaning(
        429, "요청이 너무 많아요. 잠시 후 다시 시도해 주세요.", "`Retry-After` says how many seconds to wait."
    ),
    Code.PASSWORD_LOCKED: Meaning(
        429, "비밀번호를 여러 번 틀려서 잠겼어요. 나중에 다시 시도해 주세요.", "Five wrong tries; see `Retry-After`."
    ),
    Code.TOO_MANY_SOCKETS: Meaning(
        429, "열린 창이 너무 많아요. 다른 창을 닫고 다시 시도해 주세요.", "Too many open streams of one session."
    ),
    Code.TOO_MANY_CHATS: Meaning(
        429,
        "답을 기다리는 대화가 너무 많아요. 하나가 끝난 뒤에 다시 보내 주세요.",
        "Four answers of an account are under way.",
    ),
    Code.INTERNAL_ERROR: Meaning(
        500, "처리하는 중에 문제가 생겼어요. 잠시 후 다시 시도해 주세요.", "Our mistake; quote `request_id`."
    ),
    Code.STORED_FILE_DAMAGED: Meaning(
        500,
        "저장된 파일이 손상되어 열 수 없어요. 담당자에게 알려 주세요.",
        "A stored file is not what was written: no retry helps; the log's `stored_file_damaged` says why.",
    ),
    Code.MISO_REJECTED: Meaning(
        502,
        "답을 받을 수 없었어요. 새로운 대화로 다시 물어봐 주세요.",
        "MISO rejected the call; `details.response_status`, and its own `details.provider_code`.",
    ),
    Code.MISO_UNAVAILABLE: Meaning(
        502,
        "지금은 답을 받을 수 없어요. 잠시 후 다시 시도해 주세요.",
        "MISO is not reached, busy, or has failed; `details` as above.",
    ),
    Code.MISO_TIMEOUT: Meaning(
        502,
        "답이 너무 오래 걸려서 멈췄어요. 다시 물어봐 주세요.",
        "Nothing came from MISO for 30 seconds, or no end within ten minutes; in a chat's stream.",
    ),
    Code.MISO_ANSWER_LOST: Meaning(
        502, "답이 중간에 끊겼어요. 다시 물어봐 주세요.", "MISO's answer broke off; in a chat's stream."
    ),
    Code.MISO_ANSWER_INVALID: Meaning(
        502, "답을 읽을 수 없었어요. 다시 물어봐 주세요.", "MISO's answer is beyond our bounds; in a chat's stream."
    ),
    Code.NOT_CONFIGURED: Meaning(
        503, "아직 쓸 수 없는 기능이에요. 관리자에게 알려 주세요.", "MISO's address, or its key for this, is not set."
    ),
    Code.STORE_UNAVAILABLE: Meaning(
        503, "지금은 서비스를 이용할 수 없어요. 잠시 후 다시 시도해 주세요.", "A store is down; see `Retry-After`."
    ),
    **THREAD_MEANINGS,
    **HEALTH_LINK_MEANINGS,
}

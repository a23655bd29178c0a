"""Chat with a persona: the agent's answer, relayed as it comes."""

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from services.interviews.chat_questions import ChatQuestion, make_question
from services.interviews.chats import Chat
from services.interviews.masking.masker import PatternMasker
from webapp.api.documented import SECURITY_MEMBER, fails
from webapp.api.interviews.chat_stream import ChatSource, ChatStream
from webapp.api.interviews.reading_right import ReadingRight, reading_authority
from webapp.api.interviews.schemas.chat import QUESTION_MAX, ChatInput, question_of
from webapp.auth.members import MemberCaller, for_member
from webapp.current import parts, stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.relay.errors import DrainingError, TooManySocketsError
from webapp.relay.pool import ReaderPool
from webapp.relay.registry import ReaderSlot
from webapp.relay.server_connection import ServerConnection
from webapp.relay.sse import HEADERS

blueprint = Blueprint("interviews_chat", __name__, url_prefix="/api", description="Chat with a persona")
CHATS_OF_ACCOUNT = 4
# After that the answer begins without MISO's.
BEGINS_WITHIN_SECONDS = 5.0
_RETRY_SECONDS = 2


@blueprint.post("/chat")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.arguments(ChatInput, error_status_code=400)
@blueprint.response(200, {"type": "string"}, content_type="text/event-stream")
@fails(blueprint, 400, 401, 403, 404, 413, 415, 429, 502)
def chat(caller: MemberCaller, body: dict[str, Any]) -> Response:
    """The agent's frames as server-sent events, unchanged; `{"event": "error", "code", "message"}` when it fails after
    the answer has begun. A text in `message_replace` takes the place of all that was said."""
    question = _question(caller, body)
    slot = _take_slot(caller)
    try:
        under_way = parts().chats.ask(question)
    except BaseException:
        slot.release()
        raise
    return Response(_begin(caller, question, under_way, slot), headers=HEADERS)


def _question(caller: MemberCaller, body: dict[str, Any]) -> ChatQuestion:
    """Raises ApiError, InterviewsError."""
    text = question_of(body)
    if text is None:
        raise ApiError(
            Code.VALIDATION_FAILED, details={"messages": [f"물을 말을 {QUESTION_MAX}자까지 마지막에 보내 주세요."]}
        )
    key = stores().settings.secrets.pseudonym_key
    with stores().member_work(caller.account_id) as member:
        question = make_question(
            member, body["persona_id"], text, body["conversation_id"] or "", masker=PatternMasker(), pseudonym_key=key
        )
    parts().chats.require_configured()
    return question


def _take_slot(caller: MemberCaller) -> ReaderSlot:
    try:
        return parts().relay.take_slot(f"chat:{caller.account_id}", CHATS_OF_ACCOUNT)
    except TooManySocketsError as exc:
        code = Code.TOO_MANY_CHATS if exc.scope == "person" else Code.STORE_UNAVAILABLE
        raise ApiError(code, retry_after_seconds=_RETRY_SECONDS) from exc
    except DrainingError as exc:
        raise ApiError(Code.STORE_UNAVAILABLE, retry_after_seconds=_RETRY_SECONDS) from exc


def _begin(caller: MemberCaller, question: ChatQuestion, under_way: Chat, slot: ReaderSlot) -> ChatStream:
    """Raises ChatFailed, which is answered by its status."""
    source = ChatSource(ReadingRight(caller.sid, caller.account_id, question.project_ids), reading_authority())

    def make(pool: ReaderPool, connection: ServerConnection) -> ChatStream:
        return ChatStream(pool, source, under_way, connection=connection, on_close=slot.release)

    try:
        under_way.has_begun(BEGINS_WITHIN_SECONDS)
        return parts().relay.begin_writer(make)
    except BaseException:
        under_way.close()
        slot.release()
        raise

"""What a patient's socket may command: an action, and the present state."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import orjson
from marshmallow import ValidationError
from structlog.contextvars import bound_contextvars

from core.logs import get_logger
from models.accounts import Scope
from services.accounts.logins import find_held
from services.delivery.idempotency import KeyOfAnotherCall
from services.journey.errors import JourneyError
from services.stores import Stores
from streams import Position
from webapp.api.journey.acting import ActionRequest, act
from webapp.api.journey.live.greetings import initial_state
from webapp.api.journey.schemas.actions import CommandInput
from webapp.auth.journey_callers import JourneyCaller
from webapp.error_codes import Code
from webapp.error_meanings import CODES
from webapp.errors import STORES_DOWN, ApiError, flatten_messages
from webapp.json_reader import holds_odd_characters
from webapp.limits import CallerPlace
from webapp.observing import new_request_id

log = get_logger(__name__)
# The names of the commands, and the methods that carry them out.
ACTION_COMMANDS: Mapping[str, str] = {"perform_action": "perform_action", "fetch_initial_state": "fetch_initial_state"}
_ECHOED_MAX = 64
# A socket outlives its request, and with it the context that finds what the app was built with.
EnterApp = Callable[[], AbstractContextManager[object]]


class PatientCommands:
    """Of one socket: off the loop, one at a time and in order. `answer` frames carry no `seq`. Whether the login still
    holds is asked anew by each: a lost message must not let anybody act, or read on."""

    def __init__(self, here: Stores, enter_app: EnterApp, caller: JourneyCaller, place: CallerPlace) -> None:
        self._here = here
        self._enter_app = enter_app
        self._caller = caller
        self._place = place

    def fetch_initial_state(self, _message: Mapping[str, Any], _end: Position) -> Sequence[bytes]:
        """Nothing where the login has ended: the socket is closed."""
        try:
            self._require_login()
        except ApiError:
            return []
        return [orjson.dumps(initial_state(self._here, self._caller.principal_id))]

    def perform_action(self, message: Mapping[str, Any], _end: Position) -> Sequence[bytes]:
        """The client's `request_id` goes with the answer alone: steps and lines of the log have one of our own."""
        said = message.get("request_id")
        echoed = {"request_id": said} if isinstance(said, str) and len(said) <= _ECHOED_MAX else {}
        request_id, began = new_request_id(), self._here.clock.monotonic()
        with bound_contextvars(request_id=request_id):
            answer = self._perform(message, request_id)
            seconds = self._here.clock.monotonic() - began
            log.info("socket_command", code=answer.get("code", "done"), duration_ms=round(seconds * 1000, 1))
        return [orjson.dumps({"type": "action_result", **answer, **echoed})]

    def _perform(self, message: Mapping[str, Any], request_id: str) -> dict[str, Any]:
        try:
            self._require_login()
            with self._enter_app():
                payload = act(self._here, self._caller, _read(message), request_id, self._place).body
        except JourneyError as exc:
            return _refused(Code(exc.code), exc.details)
        except KeyOfAnotherCall:
            return _refused(Code.IDEMPOTENCY_MISMATCH)
        except ApiError as exc:
            return _refused(exc.code, exc.details)
        except STORES_DOWN as exc:
            log.warning("store_unavailable", error=type(exc).__name__)
            return _refused(Code.STORE_UNAVAILABLE)
        return {"success": True, "payload": payload}

    def _require_login(self) -> None:
        """Raises ApiError, and has the socket closed."""
        with self._here.unit_of_work() as work:
            if self._caller.sid in find_held(work.session, [self._caller.sid], Scope.JOURNEY):
                return
            work.end_login(self._caller.sid)
        raise ApiError(Code.TOKEN_REVOKED)


def _read(message: Mapping[str, Any]) -> ActionRequest:
    """Raises ApiError."""
    try:
        read = CommandInput().load(dict(message))
    except ValidationError as exc:
        raise ApiError(Code.VALIDATION_FAILED, details=flatten_messages({"json": exc.messages})) from exc
    odd = next((name for name, value in message.items() if holds_odd_characters(value)), None)
    if odd is not None:
        raise ApiError(Code.VALIDATION_FAILED, details={odd: ["쓸 수 없는 글자를 빼고 보내 주세요."]})
    return ActionRequest.of(read, read["idempotency_key"])


def _refused(code: Code, details: Mapping[str, Any] | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = {"success": False, "error": CODES[code].message, "code": str(code)}
    return answer if details is None else answer | {"details": details}

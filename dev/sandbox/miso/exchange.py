"""One call of MISO as its handlers see it, and how an answer that a fault may spoil is delivered."""

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from dev.sandbox.delivery import deliver
from dev.sandbox.faults import Fault
from dev.sandbox.miso.calls import MisoCall
from dev.sandbox.miso.errors import MisoRefusalError, error_reply
from dev.sandbox.miso.state import MisoState
from dev.sandbox.miso.traits import UNTOUCHED, MisoTraits
from dev.sandbox.replies import JSON, Reply

MISO_PREFIX, DIFY_PREFIX = "/ext/v1", "/v1"
BUSY_CODES = {401: "unauthorized", 429: "too_many_requests", 500: "internal_server_error", 503: "service_unavailable"}
BLOCKING, STREAMING = "blocking", "streaming"


@dataclass(frozen=True, slots=True)
class MisoExchange:
    """`mode_fields`: under which names this path takes the mode, the first one being the usual."""

    request: web.Request
    state: MisoState
    call: MisoCall
    body: dict[str, Any] | None
    fault: Fault | None
    mode_fields: tuple[str, ...]

    @property
    def traits(self) -> MisoTraits:
        return UNTOUCHED if self.fault is None else self.fault.miso

    @property
    def speaks_dify(self) -> bool:
        """Some of what MISO does is no manner of Dify's, whose clients may break on it."""
        return self.request.path.startswith(f"{DIFY_PREFIX}/")

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.fault is None else self.fault.headers

    @property
    def fields(self) -> dict[str, Any]:
        """Raises MisoRefusalError."""
        if self.body is None:
            raise MisoRefusalError("invalid_param", "The body must be a JSON object.")
        return self.body

    def text(self, name: str) -> str:
        """Raises MisoRefusalError."""
        value = self.fields.get(name)
        if not isinstance(value, str) or not value:
            raise MisoRefusalError("invalid_param", f"{name} is required in the request body")
        return value

    def read_inputs(self) -> dict[str, Any]:
        inputs = self.fields.get("inputs")
        if not isinstance(inputs, dict):
            raise MisoRefusalError("invalid_param", "inputs is required in the request body")
        return inputs

    def read_mode(self) -> str:
        """Raises MisoRefusalError."""
        given = next((self.fields[name] for name in self.mode_fields if name in self.fields), None)
        if given not in (BLOCKING, STREAMING):
            raise MisoRefusalError("invalid_param", f"{self.mode_fields[0]} must be blocking or streaming")
        return str(given)

    async def give(self, reply: Reply) -> web.StreamResponse:
        """With the fault's headers, cut where the fault says so."""
        cut = self.fault.cut if self.fault else None
        shown = Reply(reply.status, reply.parts, reply.content_type, {**reply.headers, **self.headers})
        return await deliver(self.request, shown, self.call, cut, self.traits.chunk_delay_seconds)

    async def give_in_its_place(self, fault: Fault) -> web.StreamResponse:
        """What the fault puts in the place of the answer."""
        return await self.give(spoil(fault))


def spoil(fault: Fault) -> Reply:
    """MISO's error body, or what a proxy in front of it says."""
    if fault.html or fault.malformed:
        return fault.spoil(speaks_mediarc=False)
    status = fault.status or 400
    code = fault.miso.code or BUSY_CODES.get(status, "invalid_param")
    if fault.status in (502, 504) and fault.miso.code is None:
        return Reply(fault.status, (), JSON)  # a proxy's, which has nothing to say
    return error_reply(code, fault.message or "The request could not be served.", status)

"""Requests for the simple authentication, and what the person did about them on the phone."""

import itertools
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dev.sandbox.errors import ConflictError, NotFoundError
from dev.sandbox.people import AUTHENTICATORS, Person

PENDING, APPROVED, DECLINED = "pending", "approved", "declined"
TOKEN_FIELDS = ("CxId", "PrivateAuthType", "ReqTxId", "Token", "TxId")


@dataclass(slots=True)
class AuthRequest:
    person: Person
    authenticator: str
    cxid: str = field(default_factory=lambda: uuid.uuid4().hex)
    reqtxid: str = field(default_factory=lambda: uuid.uuid4().hex)
    token: str = field(default_factory=lambda: uuid.uuid4().hex)
    txid: str = field(default_factory=lambda: uuid.uuid4().hex)
    requested_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    echoed: dict[str, str] = field(default_factory=dict)
    waiting_answers: "itertools.count[int]" = field(default_factory=itertools.count)
    _since: float = field(default_factory=time.monotonic)
    _decided: str = PENDING
    _decided_at: float = 0.0

    @property
    def state(self) -> str:
        """Decided when somebody looks: ten thousand people who approve by themselves need no ten thousand timers."""
        if self._decided == PENDING:
            age = time.monotonic() - self._since
            approve, decline = self.person.auto_approve_seconds, self.person.auto_decline_seconds
            if approve is not None and age >= approve:
                self._note(APPROVED, self._since + approve)
            elif decline is not None and age >= decline:
                self._note(DECLINED, self._since + decline)
        return self._decided

    def decide(self, state: str) -> None:
        """Repeating the same decision changes nothing; the opposite one raises ConflictError."""
        if self.state not in (PENDING, state):
            raise ConflictError("CxId", self.state)
        if self._decided == PENDING:
            self._note(state, time.monotonic())

    def _note(self, state: str, at: float) -> None:
        self._decided, self._decided_at = state, at

    def approved_for(self, seconds: float) -> bool:
        """Approved, and so long ago: one part of the provider hears of it later than another."""
        return self.state == APPROVED and time.monotonic() - self._decided_at >= seconds

    @property
    def tokens(self) -> dict[str, str]:
        values = (self.cxid, self.authenticator, self.reqtxid, self.token, self.txid)
        return dict(zip(TOKEN_FIELDS, values, strict=True))

    def describe(self) -> dict[str, Any]:
        return {
            "CxId": self.cxid,
            "UserName": self.person.user_name,
            "BirthDate": self.person.birthdate,
            "UserCellphoneNumber": self.person.phone_no,
            "PrivateAuthType": self.authenticator,
            "authenticator": AUTHENTICATORS[self.authenticator],
            "requested_at": self.requested_at.isoformat(),
            "state": self.state,
        }


class Approvals:
    def __init__(self) -> None:
        self._requests: dict[str, AuthRequest] = {}

    def open(self, person: Person, authenticator: str) -> AuthRequest:
        request = AuthRequest(person, authenticator)
        self._requests[request.cxid] = request
        return request

    def find(self, cxid: str) -> AuthRequest | None:
        return self._requests.get(cxid)

    def decide(self, cxid: str, state: str) -> AuthRequest:
        request = self._requests.get(cxid)
        if request is None:
            raise NotFoundError("CxId")
        request.decide(state)
        return request

    def pending(self) -> list[AuthRequest]:
        """Those that still wait for the person, oldest first."""
        return [request for request in self._requests.values() if request.state == PENDING]

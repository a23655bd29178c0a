"""The control interface: tests and the demo act here for the person, the weather and the clock of the provider."""

import re
from typing import Any

import orjson
from aiohttp import web

from dev.sandbox.approvals import APPROVED, DECLINED
from dev.sandbox.errors import BadInputError
from dev.sandbox.inputs import (
    Fields,
    read_choice,
    read_choices,
    read_count,
    read_flag,
    read_korean_day,
    read_object,
    read_seconds,
    read_text,
    refuse_unknown,
)
from dev.sandbox.ledger import Served
from dev.sandbox.people import EVERY_AUTHENTICATOR, WAITING_ANSWERS, Person
from dev.sandbox.records import CHECKUPS, PRESCRIPTIONS
from dev.sandbox.service import Sandbox
from dev.sandbox.spelling import SPELLINGS, USUAL
from dev.sandbox.world import LOGIN_CHECK_VERSIONS, LoginCheckTraits

MAX_CHECKUPS, MAX_PRESCRIPTIONS, MAX_IMAGE_BYTES = 60, 5_000, 32 * 1024 * 1024
PERSON_FIELDS = frozenset(
    {
        "user_name",
        "birthdate",
        "phone_no",
        "gender",
        "checkups",
        "prescriptions",
        "older_prescriptions",
        "image_bytes",
        "authenticators",
        "auto_approve_seconds",
        "auto_decline_seconds",
        "waiting_answer",
        "login_check_late_seconds",
        "data_late_seconds",
        "newest_lacks_sugar",
        "spelling",
    }
)


def _json(body: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")


async def _read_cxid(request: web.Request) -> str:
    body = read_object(await request.read())
    refuse_unknown(body, frozenset({"CxId"}))
    return read_text(body, "CxId")


def _read_phone(body: Fields) -> str:
    phone = read_text(body, "phone_no")
    if not re.fullmatch(r"[0-9]{9,11}", phone):
        raise BadInputError("phone_no", "must be 9 to 11 digits")
    return phone


def read_person(body: Fields) -> Person:
    refuse_unknown(body, PERSON_FIELDS)
    return Person(
        user_name=read_text(body, "user_name"),
        birthdate=f"{read_korean_day(body, 'birthdate'):%Y%m%d}",
        phone_no=_read_phone(body),
        gender=read_choice(body, "gender", ("M", "F")),
        checkups=read_count(body, "checkups", 10, high=MAX_CHECKUPS),
        prescriptions=read_count(body, "prescriptions", 24, high=MAX_PRESCRIPTIONS),
        older_prescriptions=read_count(body, "older_prescriptions", 0, high=MAX_PRESCRIPTIONS) or 0,
        image_bytes=read_count(body, "image_bytes", 512, high=MAX_IMAGE_BYTES) or 0,
        authenticators=read_choices(body, "authenticators", EVERY_AUTHENTICATOR, EVERY_AUTHENTICATOR),
        auto_approve_seconds=read_seconds(body, "auto_approve_seconds"),
        auto_decline_seconds=read_seconds(body, "auto_decline_seconds"),
        waiting_answer=read_choice(body, "waiting_answer", WAITING_ANSWERS, "alternate"),
        login_check_late_seconds=read_seconds(body, "login_check_late_seconds") or 0.0,
        data_late_seconds=read_seconds(body, "data_late_seconds") or 0.0,
        newest_lacks_sugar=read_flag(body, "newest_lacks_sugar"),
        spelling=read_choice(body, "spelling", SPELLINGS, USUAL),
    )


class Control:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/control/health", self.report_health),
            web.get("/control/requests", self.list_requests),
            web.post("/control/approve", self.approve),
            web.post("/control/decline", self.decline),
            web.post("/control/people", self.add_person),
            web.post("/control/login-check", self.set_login_check),
            web.get("/control/faults", self.list_faults),
            web.post("/control/faults", self.add_fault),
            web.delete("/control/faults", self.clear_faults),
            web.delete("/control/faults/{fault_id}", self.remove_fault),
            web.post("/control/faults/{fault_id}/release", self.release_fault),
            web.get("/control/calls", self.list_calls),
            web.get("/control/miso/calls", self.list_miso_calls),
            web.get("/control/served", self.list_served),
            web.get("/control/emr", self.list_emr),
            web.post("/control/reset", self.reset),
        ]

    async def report_health(self, _request: web.Request) -> web.Response:
        return _json({"status": "ok"})

    async def list_requests(self, _request: web.Request) -> web.Response:
        return _json({"requests": [one.describe() for one in self._sandbox.world.approvals.pending()]})

    async def approve(self, request: web.Request) -> web.Response:
        return await self._decide(request, APPROVED)

    async def decline(self, request: web.Request) -> web.Response:
        return await self._decide(request, DECLINED)

    async def _decide(self, request: web.Request, state: str) -> web.Response:
        decided = self._sandbox.world.approvals.decide(await _read_cxid(request), state)
        return _json({"CxId": decided.cxid, "state": decided.state})

    async def add_person(self, request: web.Request) -> web.Response:
        person = read_person(read_object(await request.read()))
        self._sandbox.world.people.add(person)
        return _json({"user_name": person.user_name}, 201)

    async def set_login_check(self, request: web.Request) -> web.Response:
        """Which versions of LoginCheck the provider has, and whether the old one ever hears of an approval."""
        body = read_object(await request.read())
        refuse_unknown(body, frozenset({"missing", "v1_stays_false"}))
        missing = read_choices(body, "missing", LOGIN_CHECK_VERSIONS)
        self._sandbox.world.login_check = LoginCheckTraits(frozenset(missing), read_flag(body, "v1_stays_false"))
        return _json({"missing": missing})

    async def list_faults(self, _request: web.Request) -> web.Response:
        return _json({"faults": self._sandbox.world.faults.describe()})

    async def add_fault(self, request: web.Request) -> web.Response:
        fault = self._sandbox.world.faults.add(read_object(await request.read()))
        return _json({"fault_id": fault.fault_id}, 201)

    async def clear_faults(self, _request: web.Request) -> web.Response:
        self._sandbox.world.faults.clear()
        return _json({"faults": []})

    async def remove_fault(self, request: web.Request) -> web.Response:
        self._sandbox.world.faults.remove(request.match_info["fault_id"])
        return _json({"removed": request.match_info["fault_id"]})

    async def release_fault(self, request: web.Request) -> web.Response:
        self._sandbox.world.faults.release(request.match_info["fault_id"])
        return _json({"released": request.match_info["fault_id"]})

    async def list_calls(self, request: web.Request) -> web.Response:
        refuse_unknown(dict(request.query), frozenset({"path", "cxid"}))
        ledger = self._sandbox.world.ledger
        return _json(ledger.describe_calls(request.query.get("path", ""), request.query.get("cxid", "")))

    async def list_miso_calls(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        refuse_unknown(asked, frozenset({"path", "user", "match"}))
        calls = self._sandbox.world.miso.calls
        return _json(calls.describe(asked.get("path", ""), asked.get("user", ""), asked.get("match", "")))

    async def list_served(self, request: web.Request) -> web.Response:
        """The bodies as they were served, spliced in byte for byte."""
        cxid = read_text(dict(request.query), "cxid")
        served = self._sandbox.world.ledger.served.get(cxid, [])
        checkups = await self._recall(served, CHECKUPS)
        prescriptions = await self._recall(served, PRESCRIPTIONS)
        body = b'{"checkups":[' + checkups + b'],"prescriptions":[' + prescriptions + b"]}"
        return web.Response(body=body, content_type="application/json")

    async def _recall(self, served: list[Served], kind: str) -> bytes:
        return b",".join([await self._sandbox.tilko.recall(one) for one in served if one.question.kind == kind])

    async def list_emr(self, _request: web.Request) -> web.Response:
        """What the hospital's own system was told, by `{entity}/{id}`."""
        return _json(self._sandbox.world.emr)

    async def reset(self, _request: web.Request) -> web.Response:
        self._sandbox.reset()
        return _json({"status": "reset"})

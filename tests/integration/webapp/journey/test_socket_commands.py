"""What a command of a socket leaves in the log and in the steps, run as the relay runs it."""

import json
from typing import Any

import pytest
from sqlalchemy import select

from models.journey import StateTransition
from streams import Position
from webapp.api.journey.live.commands import PatientCommands
from webapp.auth.journey_callers import JourneyCaller
from webapp.auth.tokens import Role
from webapp.current import parts
from webapp.limits import CallerPlace

from .conftest import Phone

SCAN = {"action_type": "scan_nfc", "payload": {"tag_id": "TAG-ENTRANCE"}}


def command(phone: Phone, **frame: Any) -> dict[str, Any]:
    caller, place = JourneyCaller(phone.sid, phone.user_id, Role.PATIENT), CallerPlace("203.0.113.7", False)
    commands = PatientCommands(parts(phone.app).stores, phone.app.app_context, caller, place)
    answer: dict[str, Any] = json.loads(
        commands.perform_action({"command": "perform_action"} | frame, Position("", 0))[0]
    )
    return answer


@pytest.mark.parametrize("said", [{"request_id": "시연001 said this"}, {}])
def test_a_step_s_request_id_is_our_own_and_finds_the_lines_of_the_log(phone: Phone, logged: Any, said: dict[str, str]):
    """The client's own goes with the answer, and nowhere else."""
    answer = command(phone, **said, **SCAN)
    assert (answer["success"], answer.get("request_id")) == (True, said.get("request_id"))
    with parts(phone.app).stores.sessions() as session:
        [request_id] = session.scalars(select(StateTransition.request_id))
    assert len(request_id) == 16
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    found = [line["event"] for line in lines if line.get("request_id") == request_id]
    assert found == ["tag_scanned", "socket_command"]
    assert "said this" not in logged.getvalue()


def test_each_command_has_an_id_of_its_own_and_says_how_it_ended(phone: Phone, logged: Any):
    assert command(phone, action_type="register")["code"] == "INVALID_ACTION"
    assert command(phone, **SCAN)["success"]
    lines = [json.loads(line) for line in logged.getvalue().splitlines() if '"event":"socket_command"' in line]
    assert [line["code"] for line in lines] == ["INVALID_ACTION", "done"]
    assert len({line["request_id"] for line in lines}) == 2

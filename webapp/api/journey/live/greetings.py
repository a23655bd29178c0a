"""The frames by which a stream tells its present state. They may block, and raise when a store is away."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from core.names import JourneyEvent
from models.journey import Display, JourneyRole, QueueEntry
from services.journey.boards import HospitalMoment, read_board, streamed_board_body
from services.journey.bodies import entry_body
from services.journey.errors import EntryNotFound
from services.journey.halls import read_hall
from services.journey.reading import read_snapshot
from services.journey.views import view_entries
from services.journey.work import JourneyWork
from services.stores import Stores

Frame = Mapping[str, Any]
_UPDATE = ("queue_id", "state", "queue_number", "position", "ahead", "estimated_wait_time", "estimate")


def initial_state(here: Stores, user_id: UUID) -> Frame:
    """Of one's own journey, with where its stream stands."""
    snapshot = here.journeys.read(lambda journey: read_snapshot(journey, user_id, JourneyRole.PATIENT))
    return {
        "type": "initial_state",
        "payload": snapshot,
        "last_seq": snapshot["last_seq"],
        "epoch": snapshot["epoch"],
    }


def owner_of(here: Stores, queue_id: UUID) -> UUID:
    """Raises EntryNotFound."""
    with here.sessions() as session:
        entry = session.get(QueueEntry, queue_id)
        if entry is None:
            raise EntryNotFound
        return entry.user_id


def entry_frame(here: Stores, queue_id: UUID) -> Frame:
    """The same as its events, without a number. Raises EntryNotFound."""
    return here.journeys.read(lambda journey: _read_entry_frame(journey, queue_id))


def _read_entry_frame(journey: JourneyWork, queue_id: UUID) -> Frame:
    view = view_entries(journey, [queue_id]).get(queue_id)
    if view is None:
        raise EntryNotFound
    told = entry_body(view)
    data = {name: told[name] for name in _UPDATE} | {"updated_at": view.row.updated_at.isoformat()}
    return {"type": JourneyEvent.QUEUE_UPDATE, "timestamp": journey.now.isoformat(), "data": data}


def board_frame(here: Stores, exam_id: str) -> Frame:
    """Without names: `GET /board/{exam_id}` has them."""

    def read(journey: JourneyWork) -> Frame:
        moment = HospitalMoment.of(here.settings.journey, journey.now)
        board = read_board(journey.session, exam_id, journey.estimator, moment)
        data = None if board is None else streamed_board_body(board)
        return {"type": "board", "timestamp": journey.now, "data": data}

    return here.journeys.read(read)


def hall_frame(here: Stores, display_id: str) -> Frame:
    def read(journey: JourneyWork) -> Frame:
        display = journey.session.get_one(Display, display_id)
        moment = HospitalMoment.of(here.settings.journey, journey.now)
        hall = read_hall(journey.session, display, journey.estimator, moment)
        return {"type": "hall", "timestamp": journey.now, "data": hall}

    return here.journeys.read(read)

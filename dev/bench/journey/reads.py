"""What reading costs: statements of a snapshot and of a list, and the same list read row by row."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import orjson
from sqlalchemy import Engine, event, select

from dev.bench.journey.ward import BenchWard, Walker
from dev.bench.results import Metrics
from dev.local.programs import ROOT
from models.journey import Exam, HospitalRoom, JourneyRole, QueueEntry
from services.journey.demo_maps import draw_floors
from services.journey.estimates import RuleBasedEstimator
from services.journey.line_rates import read_line_rates
from services.journey.lines import read_lines
from services.journey.maps.store import FloorMaps, FolderMapStore
from services.journey.reading import QueueFilter, list_entries, read_snapshot
from services.journey.work import JourneyWork

_MANY = 200
_CONTENT = ROOT / "dev" / "sandbox" / "hospital.json"
Read = Callable[[JourneyWork], object]


def measure_reads(ward: BenchWard, walker: Walker, rounds: int) -> dict[str, Metrics]:
    """By what is read. The two forms of the list take turns."""
    reads: dict[str, Read] = {
        "snapshot": lambda journey: read_snapshot(journey, walker.user_id, JourneyRole.PATIENT),
        "list of 1": lambda journey: list_entries(journey, QueueFilter(exam_id=ward.exam_ids[0], limit=1)),
        f"list of {_MANY}": lambda journey: list_entries(journey, QueueFilter(exam_id=ward.exam_ids[0], limit=_MANY)),
        f"list of {_MANY} row by row": lambda journey: _list_row_by_row(journey, ward.exam_ids[0]),
    }
    milliseconds: dict[str, list[float]] = {name: [] for name in reads}
    statements: dict[str, int] = {}
    for _ in range(rounds):
        for name, read in reads.items():
            with _counted(ward.stores.engine) as sent:
                started = time.perf_counter()
                ward.stores.journeys.run(read)
                milliseconds[name].append((time.perf_counter() - started) * 1000)
            statements[name] = len(sent)
    return {name: {"statements": statements[name], "read_p50_ms": median(milliseconds[name])} for name in reads}


def _list_row_by_row(journey: JourneyWork, exam_id: str) -> list[tuple[Any, ...]]:
    """The form that one would write first: everything that an entry shows is asked for with it."""
    query = select(QueueEntry).where(QueueEntry.exam_id == exam_id).order_by(QueueEntry.joined_at.desc()).limit(_MANY)
    found = []
    for entry in journey.session.scalars(query).all():
        exam = journey.session.execute(select(Exam.title, Exam.room_id).where(Exam.exam_id == entry.exam_id)).one()
        room = journey.session.execute(select(HospitalRoom.title).where(HospitalRoom.room_id == exam.room_id)).one()
        line = read_lines(journey.session, [exam_id], journey.settings.overtake_limit, only=[entry.queue_id])
        rates = read_line_rates(journey.session, [exam_id], journey.day_begins)
        estimate = RuleBasedEstimator().estimate(rates[exam_id], line[exam_id][0].ahead) if line[exam_id] else None
        found.append((entry.queue_id, exam.title, room.title, estimate))
    return found


@contextmanager
def _counted(engine: Engine) -> Iterator[list[str]]:
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def measure_maps() -> Metrics:
    """Of the demo's floors: what a phone loads first, as a share of the whole map."""
    with tempfile.TemporaryDirectory(prefix="welno-bench-") as folder:
        maps = FloorMaps(FolderMapStore(Path(folder)))
        draw_floors(maps, orjson.loads(_CONTENT.read_bytes()))
        floors = [maps.list_layers(floor) for floor in ("1", "2")]
    shares = [len(layers[0].content) / sum(len(one.content) for one in layers) for layers in floors]
    return {"first_map_layer_share": max(shares)}

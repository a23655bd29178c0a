"""Each action that a crash or a fault may cut: what must be there before it, what it does, and what must survive."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from core.clock import Clock
from spool import AnswerKind, DataType, Folder, KeptAnswer, Spool, UnknownFile
from spool.names import read_incoming_name, read_name
from tests.integration.spool.conftest import NOW, ROTATED, SEALER, SESSION, complete, package

RAW = b'{"ResultList": []}' * 20


@dataclass(frozen=True)
class Action:
    """`at_least` files exist at every moment, also while the action is cut."""

    prepare: Callable[[Spool], object]
    act: Callable[[Spool], object]
    at_least: int


def _save(spool: Spool) -> str:
    return spool.put_pending(package())


def _save_failed(spool: Spool) -> None:
    spool.fail(_save(spool), "import_refused")


def _save_parked(spool: Spool) -> None:
    spool.park(_save(spool), "checksum")


def _save_incoming(spool: Spool) -> None:
    spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(RAW))


def _fill_room(spool: Spool) -> None:
    room = spool.reserve_room(64)  # less than the answer takes
    spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(RAW, {"call": "checkups"}), room)
    room.close()


def _import_all(spool: Spool) -> None:
    for name in spool.list_pending():
        complete(spool, name)


def _fail_claimed(spool: Spool) -> None:
    for name in spool.list_pending():
        with spool.claim(name) as claimed:
            spool.fail(claimed, "import_refused")


def _for_each(call: Callable[[Spool, str], object]) -> Callable[[Spool], None]:
    def act(spool: Spool) -> None:
        for info in spool.names_of(SESSION):
            call(spool, info.name)

    return act


def _park_incoming(spool: Spool) -> None:
    with suppress(UnknownFile):  # done already
        spool.park_incoming(SESSION, AnswerKind.HEALTH, "sealed")


def _clean_up(spool: Spool) -> None:
    with Clock().frozen(NOW + timedelta(days=40)) as later:
        Spool(spool.storage, SEALER, later).clean_completed()


def _save_everywhere(spool: Spool) -> None:
    _save_parked(spool)
    _save_incoming(spool)
    complete(spool, spool.put_pending(package(DataType.PATIENT)))


def _reseal(spool: Spool) -> None:
    with Clock().frozen(NOW) as clock:
        Spool(spool.storage, ROTATED, clock).reseal()


def _nothing(spool: Spool) -> None:
    pass


ACTIONS = {
    "put_incoming": Action(_nothing, _save_incoming, 0),
    "put_incoming again": Action(_save_incoming, _save_incoming, 1),
    "put_pending": Action(_nothing, _save, 0),
    "put_pending again": Action(_save, _save, 1),
    "put_pending of a second type": Action(_save, lambda spool: spool.put_pending(package(DataType.PATIENT)), 1),
    "claim and complete": Action(_save, _import_all, 1),
    "claim and fail": Action(_save, _fail_claimed, 1),
    "fail by name": Action(_save, _for_each(lambda spool, name: spool.fail(name, "import_refused")), 1),
    "park": Action(_save, _for_each(lambda spool, name: spool.park(name, "checksum")), 1),
    "park a failed one": Action(_save_failed, _for_each(lambda spool, name: spool.park(name, "checksum")), 1),
    "requeue": Action(_save_failed, _for_each(lambda spool, name: spool.requeue(name)), 1),
    "discard": Action(_save_parked, _for_each(lambda spool, name: spool.discard(name, "staff-1")), 0),
    "clean up": Action(lambda spool: complete(spool, _save(spool)), _clean_up, 0),
    "erase": Action(_save_everywhere, lambda spool: spool.erase([SESSION]), 0),
    "drop_incoming": Action(_save_incoming, lambda spool: spool.drop_incoming(SESSION), 0),
    "park_incoming": Action(_save_incoming, _park_incoming, 1),
    "reserve and fill a room": Action(_nothing, _fill_room, 0),
    "reseal an answer": Action(_save_incoming, _reseal, 1),
    "reseal a package": Action(_save, _reseal, 1),
    "reseal an imported package": Action(lambda spool: complete(spool, _save(spool)), _reseal, 1),
}


def files_in(root: Path) -> list[str]:
    """Relative paths of all data files; reasons, stamps and temporary files are no data."""
    paths = (path for path in root.rglob("*") if ".sessions" not in path.parts)
    return sorted(
        str(path.relative_to(root)) for path in paths if read_name(path.name) or read_incoming_name(path.name)
    )


def read_every_file(spool: Spool, root: Path) -> None:
    """Whole or absent: whatever bears a name opens, and holds what was saved."""
    for relative in files_in(root):
        path = root / relative
        if path.parent.name == Folder.INCOMING:
            assert spool.read_incoming(SESSION, AnswerKind.HEALTH).body == RAW
        elif path.suffix == ".json":
            assert spool.export(path.name).raw_data == package().raw_data


def temporaries_in(root: Path) -> list[str]:
    return [path.name for path in root.rglob(".tmp-*")]


def without_stamps(files: list[str]) -> list[str]:
    return [re.sub(r"/\d{8}T\d{12}Z_", "/", name) for name in files]

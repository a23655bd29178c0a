"""The hospital's exams, rooms and tags as they rarely change: from Redis for a minute, else from PostgreSQL."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import orjson
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session, sessionmaker

from core.logs import get_logger
from models.journey import Exam, HospitalRoom, NfcTag, RetiredTagCode

log = get_logger(__name__)
_KEY = "welno:hospital"
# How often a change was told of: what was read before the last of them must not be kept.
_GENERATION = "welno:hospital:generation"
_SECONDS = 60
_KEEP = """
if (redis.call('get', KEYS[2]) or '') == ARGV[1] then
    redis.call('set', KEYS[1], ARGV[2], 'ex', ARGV[3])
end
"""
T = TypeVar("T")


@dataclass(frozen=True)
class ExamFacts:
    exam_id: str
    title: str
    display_title: str
    room_id: str | None
    avg_minutes: int | None
    needs_fasting: bool


@dataclass(frozen=True)
class RoomFacts:
    room_id: str
    title: str
    floor: int
    x: float
    y: float


@dataclass(frozen=True)
class TagFacts:
    tag_id: str
    tag_uid: str
    tag_code: str
    title: str
    room_id: str | None
    floor: int
    x: float
    y: float
    exam_ids: tuple[str, ...]
    is_active: bool


@dataclass(frozen=True, kw_only=True)
class KnownTags:
    """`retired_codes` are hashes of codes that tags had once, each with the tag that had it."""

    tags: tuple[TagFacts, ...]
    retired_codes: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class HospitalFacts(KnownTags):
    exams: dict[str, ExamFacts]
    rooms: dict[str, RoomFacts]


class HospitalCache:
    """`forget` after each change; without Redis every look asks PostgreSQL."""

    def __init__(self, redis: Redis, sessions: sessionmaker[Session]) -> None:
        self._redis = redis
        self._sessions = sessions

    def look(self) -> HospitalFacts:
        found = self._try(lambda: self._redis.mget(_KEY, _GENERATION))
        kept, generation = found or (None, None)
        if isinstance(kept, bytes):
            return _from_json(kept)
        with self._sessions() as session:
            hospital = read_hospital(session)
        if found is not None:
            self._keep(hospital, generation or b"")
        return hospital

    def forget(self) -> None:
        self._try(self._forget)

    def _keep(self, hospital: HospitalFacts, generation: bytes | str) -> None:
        value = orjson.dumps(asdict(hospital))
        self._try(lambda: self._redis.eval(_KEEP, 2, _KEY, _GENERATION, generation, value, _SECONDS))

    def _forget(self) -> None:
        with self._redis.pipeline() as pipeline:
            pipeline.incr(_GENERATION)
            pipeline.delete(_KEY)
            pipeline.execute()

    def _try(self, call: Callable[[], T]) -> T | None:
        try:
            return call()
        except RedisError as exc:
            log.warning("hospital_cache_away", error=type(exc).__name__)
            return None


def read_hospital(session: Session) -> HospitalFacts:
    exams = {row.exam_id: _facts(ExamFacts, row) for row in session.scalars(select(Exam).order_by(Exam.exam_id))}
    rooms = {
        row.room_id: _facts(RoomFacts, row)
        for row in session.scalars(select(HospitalRoom).order_by(HospitalRoom.room_id))
    }
    known = read_tags(session, true(), true())
    return HospitalFacts(exams=exams, rooms=rooms, tags=known.tags, retired_codes=known.retired_codes)


def read_tags(session: Session, tags: ColumnElement[bool], retired: ColumnElement[bool]) -> KnownTags:
    """Those of NfcTag and of RetiredTagCode that are so."""
    found = session.scalars(select(NfcTag).where(tags).order_by(NfcTag.tag_id))
    codes = session.execute(select(RetiredTagCode.code_hash, RetiredTagCode.tag_id).where(retired)).all()
    return KnownTags(tags=tuple(_facts(TagFacts, row) for row in found), retired_codes=dict(codes))


def _facts(kind: type[T], row: Any) -> T:
    values = {name: getattr(row, name) for name in kind.__dataclass_fields__}  # type: ignore[attr-defined]
    return kind(**_with_tuples(values))


def _with_tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def _from_json(kept: bytes) -> HospitalFacts:
    values = orjson.loads(kept)
    return HospitalFacts(
        exams={name: ExamFacts(**facts) for name, facts in values["exams"].items()},
        rooms={name: RoomFacts(**facts) for name, facts in values["rooms"].items()},
        tags=tuple(TagFacts(**_with_tuples(facts)) for facts in values["tags"]),
        retired_codes=values["retired_codes"],
    )

"""The way through the hospital: how long it takes on foot, and what to say of it."""

from dataclasses import dataclass
from math import ceil, hypot
from typing import Any

# Maps are drawn in metres. At the pace of somebody who walks with a stick, and with a wait for the lift.
_METRES_PER_MINUTE = 40
_MINUTES_PER_FLOOR = 1.0


@dataclass(frozen=True)
class MapPoint:
    """A point on a floor's map: a room, a tag, the reception. Basements have negative floors, and none is 0."""

    title: str
    floor: int
    x: float
    y: float
    room_id: str | None = None


@dataclass(frozen=True)
class Guidance:
    """From where somebody is, if that is known, to where they are expected."""

    origin: MapPoint | None
    target: MapPoint
    walk_minutes: int
    steps: tuple[str, ...]


def guide(origin: MapPoint | None, target: MapPoint) -> Guidance:
    return Guidance(origin, target, walk_minutes(origin, target), tuple(_steps(origin, target)))


def walk_minutes(origin: MapPoint | None, target: MapPoint) -> int:
    """Whole minutes, rounded up; 0 from nowhere, as nobody can tell."""
    if origin is None:
        return 0
    minutes = hypot(target.x - origin.x, target.y - origin.y) / _METRES_PER_MINUTE
    return ceil(minutes + _floors_apart(origin, target) * _MINUTES_PER_FLOOR)


def guidance_body(guidance: Guidance) -> dict[str, Any]:
    """As it goes over the wire."""
    origin = guidance.origin
    return {
        "from": None if origin is None else _point_body(origin),
        "to": {"room_id": guidance.target.room_id, **_point_body(guidance.target)},
        "walk_minutes": guidance.walk_minutes,
        "steps": list(guidance.steps),
    }


def _point_body(place: MapPoint) -> dict[str, Any]:
    return {"title": place.title, "floor": place.floor, "x": place.x, "y": place.y}


def _steps(origin: MapPoint | None, target: MapPoint) -> list[str]:
    """Short sentences in the order in which they are done."""
    if origin is None:
        return [f"{floor_name(target.floor)} {target.title} 앞으로 오세요."]
    steps = []
    if target.floor != origin.floor:
        verb = "올라가세요" if target.floor > origin.floor else "내려가세요"
        steps.append(f"승강기로 {floor_name(target.floor)}에 {verb}.")
    steps.append(f"{target.title} 앞으로 오세요.")
    if minutes := walk_minutes(origin, target):
        steps.append(f"걸어서 {minutes}분쯤 걸려요.")
    return steps


def floor_name(floor: int) -> str:
    return f"지하 {-floor}층" if floor < 0 else f"{floor}층"


def _floors_apart(origin: MapPoint, target: MapPoint) -> int:
    between = abs(target.floor - origin.floor)
    crosses_ground = (origin.floor < 0) != (target.floor < 0)
    return between - 1 if crosses_ground else between

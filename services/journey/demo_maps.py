"""The demo's floors as maps: four layers each, drawn from its rooms and tags."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from services.journey.maps.sanitizer import sanitize_svg
from services.journey.maps.store import FloorMaps, MapNotFound

Json = Mapping[str, Any]
_WIDTH, _HEIGHT, _CORRIDOR_Y = 64, 48, 24
_HEAD = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}">'
_ROOM_WIDTH, _ROOM_HEIGHT = 18, 8


def draw_floors(maps: FloorMaps, content: Json) -> None:
    """Puts the layers that are missing; an admin's own stay."""
    for floor in sorted({room["floor"] for room in content["rooms"]}):
        rooms = [room for room in content["rooms"] if room["floor"] == floor]
        tags = [tag for tag in content["tags"] if tag["floor"] == floor and tag["is_active"]]
        for name, shapes in _layers(rooms, tags):
            try:
                maps.read_layer(str(floor), name)
            except MapNotFound:
                maps.put_layer(str(floor), name, sanitize_svg(f"{_HEAD}{''.join(shapes)}</svg>".encode()))


def _layers(rooms: Sequence[Json], tags: Sequence[Json]) -> Iterator[tuple[str, list[str]]]:
    yield "base", [f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#f7f8fa" stroke="#333"/>']
    yield "rooms", [_room(room) for room in rooms]
    yield "route", [_way(room) for room in rooms] + [_dot(tag) for tag in tags]
    yield "labels", [_label(room, 2.4) for room in rooms] + [_label(tag, 1.6) for tag in tags]


def _room(room: Json) -> str:
    left, top = room["x"] - _ROOM_WIDTH / 2, room["y"] - _ROOM_HEIGHT / 2
    return (
        f'<rect id="{room["room_id"]}" x="{left}" y="{top}" width="{_ROOM_WIDTH}" height="{_ROOM_HEIGHT}" rx="1"'
        ' fill="#dbe7f5" stroke="#29527a" stroke-width="0.4"/>'
    )


def _way(room: Json) -> str:
    return (
        f'<path d="M4 {_CORRIDOR_Y} H{room["x"]} V{room["y"]}" fill="none" stroke="#8a6d1d" stroke-width="0.5"'
        ' stroke-dasharray="1 1"/>'
    )


def _dot(tag: Json) -> str:
    return f'<circle cx="{tag["x"]}" cy="{tag["y"]}" r="0.8" fill="#8a1d1d"/>'


def _label(place: Json, size: float) -> str:
    return (
        f'<text x="{place["x"]}" y="{place["y"]}" font-size="{size}" font-family="sans-serif" text-anchor="middle"'
        f' fill="#1b1f24">{escape(place["title"])}</text>'
    )

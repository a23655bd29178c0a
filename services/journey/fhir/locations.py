"""Rooms, and the floors that they are part of, as FHIR's Location."""

import hashlib
import re

from models.journey import HospitalRoom
from services.journey.fhir.elements import Resource, concept, reference, resource
from services.journey.guidance import floor_name

_TYPES = "http://terminology.hl7.org/CodeSystem/location-physical-type"
_FLOOR_PREFIX, _HASHED_PREFIX = "floor-", "room-"
_HASH_LENGTH = 40
_VALID = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII)
# Ids that we make ourselves.
_MADE = re.compile(rf"{_FLOOR_PREFIX}-?\d+|{_HASHED_PREFIX}[0-9a-f]{{{_HASH_LENGTH}}}", re.ASCII)


def room_resource(room: HospitalRoom) -> Resource:
    return {
        **_location(location_id(room.room_id), room.title),
        "physicalType": concept("Room", _TYPES, "ro"),
        "partOf": reference("Location", floor_id(room.floor), floor_name(room.floor)),
    }


def floor_resource(floor: int) -> Resource:
    return {**_location(floor_id(floor), floor_name(floor)), "physicalType": concept("Level", _TYPES, "lvl")}


def room_reference(room_id: str) -> Resource:
    return reference("Location", location_id(room_id))


def location_id(room_id: str) -> str:
    """The hospital's own name of the room wherever FHIR takes it for an id and no other place has it; else what its
    hash gives."""
    if _VALID.fullmatch(room_id) and not _MADE.fullmatch(room_id):
        return room_id
    return _HASHED_PREFIX + hashlib.sha256(room_id.encode()).hexdigest()[:_HASH_LENGTH]


def floor_id(floor: int) -> str:
    return f"{_FLOOR_PREFIX}{floor}"


def _location(key: str, name: str) -> Resource:
    return {**resource("Location", key, None), "status": "active", "name": name, "mode": "instance"}

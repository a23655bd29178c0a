"""Rooms, and the floors that they are part of, as FHIR's Location."""

from models.journey import HospitalRoom
from services.journey.fhir.elements import Resource, concept, reference, resource
from services.journey.guidance import floor_name

_TYPES = "http://terminology.hl7.org/CodeSystem/location-physical-type"
_FLOOR_PREFIX = "floor-"


def room_resource(room: HospitalRoom) -> Resource:
    return {
        **_location(room.room_id, room.title),
        "physicalType": concept("Room", _TYPES, "ro"),
        "partOf": reference("Location", floor_id(room.floor), floor_name(room.floor)),
    }


def floor_resource(floor: int) -> Resource:
    return {**_location(floor_id(floor), floor_name(floor)), "physicalType": concept("Level", _TYPES, "lvl")}


def floor_id(floor: int) -> str:
    return f"{_FLOOR_PREFIX}{floor}"


def _location(key: str, name: str) -> Resource:
    return {**resource("Location", key, None), "status": "active", "name": name, "mode": "instance"}

"""The demo's floors: what is drawn of its rooms and tags, and what an admin has drawn."""

from pathlib import Path

import orjson
import pytest

from dev.local.programs import ROOT
from services.journey.demo_maps import draw_floors
from services.journey.maps.store import LAYERS, FloorMaps, FolderMapStore

CONTENT = orjson.loads((ROOT / "dev" / "sandbox" / "hospital.json").read_bytes())


@pytest.fixture
def maps(tmp_path: Path) -> FloorMaps:
    return FloorMaps(FolderMapStore(tmp_path))


def layer_of(maps: FloorMaps, floor: str, name: str) -> str:
    return maps.read_layer(floor, name).content.decode()


def test_each_of_its_two_floors_has_four_layers_with_its_own_rooms(maps: FloorMaps):
    draw_floors(maps, CONTENT)
    assert {floor: [layer.name for layer in maps.list_layers(floor)] for floor in ("1", "2")} == {
        "1": list(LAYERS),
        "2": list(LAYERS),
    }
    for room in CONTENT["rooms"]:
        floors = {floor for floor in ("1", "2") if f'id="{room["room_id"]}"' in layer_of(maps, floor, "rooms")}
        assert floors == {str(room["floor"])}
        assert room["title"] in layer_of(maps, str(room["floor"]), "labels")


def test_a_tag_is_on_the_map_while_it_is_in_use(maps: FloorMaps):
    draw_floors(maps, CONTENT)
    labels = "".join(layer_of(maps, floor, "labels") for floor in ("1", "2"))
    used, retired = ([tag for tag in CONTENT["tags"] if tag["is_active"] is in_use] for in_use in (True, False))
    assert retired
    assert [tag["title"] in labels for tag in (*used, *retired)] == [True] * len(used) + [False] * len(retired)


def test_what_an_admin_has_drawn_stays(maps: FloorMaps):
    maps.put_layer("1", "rooms", b"<svg/>")
    draw_floors(maps, CONTENT)
    draw_floors(maps, CONTENT)
    assert layer_of(maps, "1", "rooms") == "<svg/>"
    assert len(maps.list_layers("1")) == len(LAYERS)

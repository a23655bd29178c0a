"""How far it is, and what a person is told of the way."""

import pytest

from services.journey.guidance import MapPoint, guidance_body, guide, walk_minutes

ENTRANCE = MapPoint("입구", 1, 0, 0)
BLOOD = MapPoint("채혈실", 1, 30, 40, "R-101")


@pytest.mark.parametrize(
    ("origin", "target", "minutes"),
    [
        (None, BLOOD, 0),
        (BLOOD, BLOOD, 0),
        (ENTRANCE, BLOOD, 2),  # 50 m
        (ENTRANCE, MapPoint("초음파실", 2, 0, 0), 1),
        (ENTRANCE, MapPoint("내과", 3, 30, 40), 4),
        (MapPoint("주차장", -1, 0, 0), ENTRANCE, 1),  # no floor is called 0
        (MapPoint("주차장", -2, 0, 0), MapPoint("내과", 2, 0, 0), 3),
    ],
)
def test_walking_takes_distance_and_floors(origin: MapPoint | None, target: MapPoint, minutes: int):
    assert walk_minutes(origin, target) == minutes


def test_the_way_is_told_in_the_order_of_walking():
    assert guide(ENTRANCE, MapPoint("내과", 3, 30, 40)).steps == (
        "승강기로 3층에 올라가세요.",
        "내과 앞으로 오세요.",
        "걸어서 4분쯤 걸려요.",
    )
    assert guide(BLOOD, MapPoint("주차장", -1, 30, 40)).steps[0] == "승강기로 지하 1층에 내려가세요."


def test_who_is_there_is_told_no_minutes():
    assert guide(BLOOD, BLOOD).steps == ("채혈실 앞으로 오세요.",)


def test_who_comes_from_nowhere_is_told_the_floor():
    assert guide(None, BLOOD).steps == ("1층 채혈실 앞으로 오세요.",)


def test_the_body_names_the_room_and_where_it_is():
    assert guidance_body(guide(None, BLOOD)) == {
        "from": None,
        "to": {"room_id": "R-101", "title": "채혈실", "floor": 1, "x": 30, "y": 40},
        "walk_minutes": 0,
        "steps": ["1층 채혈실 앞으로 오세요."],
    }
    assert guidance_body(guide(ENTRANCE, BLOOD))["from"] == {"title": "입구", "floor": 1, "x": 0, "y": 0}

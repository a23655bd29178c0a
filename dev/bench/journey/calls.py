"""From a desk's call to the phone, the hall and another desk's board: by frames, and by clients that poll."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from dev.bench.journey.ward import HALL_ID, HALL_KEY, BenchWard, Walker
from dev.bench.results import Metrics, percentiles_ms

_SECONDS = 20
SCREENS = ("phone", "hall", "board")
Frame = Mapping[str, Any]


@dataclass(frozen=True)
class WaitingEntry:
    """A walker's entry, as the answer to their joining told it."""

    walker: Walker
    queue_id: Any
    number: int


@dataclass
class CallTimes:
    """Seconds by screen; what did not come within the time counts as lost."""

    seconds: dict[str, list[float]]
    lost: int = 0

    @classmethod
    def empty(cls) -> "CallTimes":
        return cls({screen: [] for screen in SCREENS})

    def metrics(self) -> Metrics:
        found: Metrics = {}
        for screen in SCREENS:
            found |= percentiles_ms(self.seconds[screen], f"call_to_{screen}")
        return found | {"calls_lost": self.lost}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def calls_by_frames(web_url: str, ward: BenchWard, walkers: Sequence[Walker]) -> CallTimes:
    """One call after the other; each waits for all three screens. The walkers wait in their lines already."""
    times = CallTimes.empty()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        for walker in walkers:
            entry = await _find_entry(http, web_url, walker)
            await _call_and_watch(http, web_url, ward, entry, times)
    return times


async def _find_entry(http: aiohttp.ClientSession, web_url: str, walker: Walker) -> WaitingEntry:
    url = f"{web_url}/api/v1/patient-journey/current-state/"
    async with http.get(url, headers=bearer(walker.login.token)) as reply:
        [entry] = (await reply.json())["queue_details"]
    return WaitingEntry(walker, entry["queue_id"], entry["queue_number"])


async def _call_and_watch(
    http: aiohttp.ClientSession, web_url: str, ward: BenchWard, entry: WaitingEntry, times: CallTimes
) -> None:
    sees: dict[str, tuple[str, str, Callable[[Frame], bool]]] = {
        "phone": ("/ws/patient-journey/", entry.walker.login.token, lambda frame: frame["type"] == "patient_called"),
        "hall": (f"/ws/hall/{HALL_ID}/", HALL_KEY, lambda frame: _is_called_in_hall(frame, entry)),
        "board": (f"/ws/exam/{entry.walker.exam_id}/", ward.desk.token, lambda frame: _is_called(frame, entry)),
    }
    sockets = {}
    for screen, (path, token, _) in sees.items():
        sockets[screen] = await http.ws_connect(web_url + path, headers=bearer(token))
        await sockets[screen].receive_json()
    called = time.perf_counter()
    watching = [asyncio.create_task(_watch(sockets[screen], sees[screen][2])) for screen in SCREENS]
    body = {"queue_id": entry.queue_id}
    url = f"{web_url}/api/v1/queue/medical/call-patient/"
    async with http.post(url, json=body, headers=bearer(ward.desk.token)) as reply:
        reply.raise_for_status()
    for screen, at in zip(SCREENS, await asyncio.gather(*watching), strict=True):
        _note(times, screen, called, at)
    for socket in sockets.values():
        await socket.close()


def _is_called_in_hall(frame: Frame, entry: WaitingEntry) -> bool:
    rows = [row for row in (frame.get("data") or {}).get("rooms", ()) if row["exam_id"] == entry.walker.exam_id]
    return any(call["queue_number"] == entry.number for row in rows for call in row["calling"])


def _is_called(frame: Frame, entry: WaitingEntry) -> bool:
    queues = (frame.get("data") or {}).get("queues", ())
    return any(one["queue_id"] == str(entry.queue_id) and one["state"] == "called" for one in queues)


async def _watch(socket: Any, has_come: Callable[[Frame], bool]) -> float | None:
    try:
        async with asyncio.timeout(_SECONDS):
            while not has_come(await socket.receive_json()):
                pass
    except TimeoutError:
        return None
    return time.perf_counter()


async def calls_by_polls(peer_url: str, ward: BenchWard, walkers: Sequence[Walker], poll_seconds: float) -> CallTimes:
    """All at once, each at a moment of its own: a screen asks at its own pace, whenever the call comes."""
    times = CallTimes.empty()
    rng = random.Random("polls")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        waits = [rng.uniform(0, poll_seconds) for _ in walkers]
        pairs = zip(walkers, waits, strict=True)
        await asyncio.gather(
            *(_call_and_poll(http, peer_url, ward, one, wait, poll_seconds, times) for one, wait in pairs)
        )
    return times


async def _call_and_poll(
    http: aiohttp.ClientSession,
    peer_url: str,
    ward: BenchWard,
    walker: Walker,
    wait: float,
    poll_seconds: float,
    times: CallTimes,
) -> None:
    async def ask(path: str, token: str) -> Any:
        async with http.get(peer_url + path, headers=bearer(token)) as reply:
            return await reply.json()

    [entry] = (await ask("/state", walker.login.token))["queue_details"]
    hall = "/lines?" + "&".join(f"exam_id={one}" for one in ward.exam_ids)
    asked = {
        "phone": lambda: ask("/state", walker.login.token),
        "hall": lambda: ask(hall, ward.desk.token),
        "board": lambda: ask(f"/lines?exam_id={walker.exam_id}", ward.desk.token),
    }
    polls = [asyncio.create_task(_poll(asked[screen], entry["queue_id"], poll_seconds)) for screen in SCREENS]
    await asyncio.sleep(wait)
    called = time.perf_counter()
    url = f"{peer_url}/call"
    async with http.post(url, json={"queue_id": entry["queue_id"]}, headers=bearer(ward.desk.token)) as reply:
        reply.raise_for_status()
    for screen, at in zip(SCREENS, await asyncio.gather(*polls), strict=True):
        _note(times, screen, called, at)


async def _poll(ask: Callable[[], Awaitable[Any]], queue_id: int, poll_seconds: float) -> float | None:
    """Beginning at a moment of its own within one pause."""
    await asyncio.sleep(random.Random(f"{queue_id} {id(ask)}").uniform(0, poll_seconds))
    deadline = time.perf_counter() + _SECONDS
    while time.perf_counter() < deadline:
        answer = await ask()
        entries = answer.get("queue_details") or answer.get("queues") or ()
        if any(one["queue_id"] == queue_id and one["state"] == "called" for one in entries):
            return time.perf_counter()
        await asyncio.sleep(poll_seconds)
    return None


def _note(times: CallTimes, screen: str, called: float, at: float | None) -> None:
    if at is None:
        times.lost += 1
    else:
        times.seconds[screen].append(at - called)

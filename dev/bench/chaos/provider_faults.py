"""Keeps the provider failing in every way that passes: delays, held calls, cut connections, broken answers."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import aiohttp

_ROUND_SECONDS = 0.3
_WAITING_PER_ENDPOINT = 2
_RELEASED_SHARE = 0.25


# What the sandbox is asked to do to the next call of an endpoint.
ChooseFault = Callable[[random.Random, str], Mapping[str, Any]]


class ProviderFaults:
    """A fault or two wait at each endpoint, spent ones are removed, held calls are released after a while: those held
    before they had an effect, and those held after they were billed."""

    def __init__(self, sandbox_url: str, rng: random.Random, endpoints: Sequence[str], choose: ChooseFault) -> None:
        self._faults = f"{sandbox_url}/control/faults"
        self._rng = rng
        self._endpoints = endpoints
        self._choose = choose
        self._held: set[str] = set()
        self.sent = 0

    async def run(self) -> None:
        """Until it is cancelled."""
        async with aiohttp.ClientSession() as http:
            while True:
                await self._round(http)
                await asyncio.sleep(_ROUND_SECONDS)

    async def clear(self) -> None:
        async with aiohttp.ClientSession() as http, http.delete(self._faults):
            pass

    async def _round(self, http: aiohttp.ClientSession) -> None:
        async with http.get(self._faults) as reply:
            faults = (await reply.json())["faults"]
        waiting = dict.fromkeys(self._endpoints, 0)
        for fault in faults:
            if fault["calls_left"]:
                waiting[fault["path"]] += 1
            elif not fault["waiting"]:
                async with http.delete(f"{self._faults}/{fault['fault_id']}"):
                    self._held.discard(fault["fault_id"])
            elif fault["fault_id"] in self._held and self._rng.random() < _RELEASED_SHARE:
                async with http.post(f"{self._faults}/{fault['fault_id']}/release"):
                    pass
        for path, count in waiting.items():
            if count < _WAITING_PER_ENDPOINT:
                await self._send(http, path)

    async def _send(self, http: aiohttp.ClientSession, path: str) -> None:
        fault = self._choose(self._rng, path)
        async with http.post(self._faults, json={"path": path, "calls": 1, **fault}) as reply:
            fault_id = (await reply.json())["fault_id"]
        self.sent += 1
        if "hold" in fault:
            self._held.add(fault_id)

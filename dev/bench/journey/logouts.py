"""From a logout at one web process to the end of the login's socket on another."""

import asyncio
import time
from collections.abc import Sequence

import aiohttp

from dev.bench.journey.calls import bearer
from dev.bench.journey.ward import Walker
from dev.bench.results import Metrics, percentiles_ms

_SECONDS = 20
_LOGGED_OUT = 4401


async def measure_logouts(logout_url: str, socket_url: str, walkers: Sequence[Walker]) -> Metrics:
    """One after the other."""
    seconds: list[float] = []
    async with aiohttp.ClientSession() as http:
        for walker in walkers:
            headers = bearer(walker.login.token)
            async with http.ws_connect(f"{socket_url}/ws/patient-journey/", headers=headers) as socket:
                await socket.receive_json()
                started = time.perf_counter()
                async with http.post(f"{logout_url}/api/v1/auth/logout", headers=headers) as reply:
                    reply.raise_for_status()
                async with asyncio.timeout(_SECONDS):
                    while (await socket.receive()).type == aiohttp.WSMsgType.TEXT:
                        pass
                if socket.close_code == _LOGGED_OUT:
                    seconds.append(time.perf_counter() - started)
    return percentiles_ms(seconds, "logout_to_close") | {"not_closed": len(walkers) - len(seconds)}

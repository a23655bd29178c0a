"""Runs what blocks, such as a transaction, off the asyncio loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TypeVar

from services.delivery.unit_of_work import Work
from services.stores import Stores

T = TypeVar("T")


class DatabaseThreads:
    """More than two threads would only queue at the database: one refreshes the schedule, one records outcomes."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._executor = ThreadPoolExecutor(2, thread_name_prefix="poller")

    async def run(self, function: Callable[..., T], *args: object) -> T:
        in_context = partial(copy_context().run, function, *args)
        return await asyncio.get_running_loop().run_in_executor(self._executor, in_context)

    async def in_transaction(self, function: Callable[[Work], T]) -> T:
        """Run a service function in a transaction of its own."""

        def unit() -> T:
            with self._stores.unit_of_work() as work:
                return function(work)

        return await self.run(unit)

    def shutdown(self) -> None:
        """Without waiting for what is under way."""
        self._executor.shutdown(wait=False, cancel_futures=True)

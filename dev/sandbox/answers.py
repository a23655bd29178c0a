"""The lists of records as JSON bytes: built off the event loop, kept for a while, the same bytes whenever asked."""

import asyncio
from collections import OrderedDict

import orjson

from dev.sandbox.records import Question

MAX_KEPT_BYTES = 128 * 1024 * 1024


class AnswerCache:
    """Keeps the latest lists up to MAX_KEPT_BYTES; whatever was dropped is built again, byte for byte the same."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Question, bytes] = OrderedDict()
        self._size = 0
        self._building: dict[Question, asyncio.Future[bytes]] = {}

    async def fetch(self, question: Question) -> bytes:
        kept = self._kept.get(question)
        if kept is not None:
            self._kept.move_to_end(question)
            return kept
        building = self._building.get(question)
        if building is None:
            building = asyncio.get_running_loop().run_in_executor(None, lambda: orjson.dumps(question.build()))
            self._building[question] = building
            building.add_done_callback(lambda done: self._keep(question, done))
        # Shielded: a client that leaves must not cancel the build that another one waits for.
        return await asyncio.shield(building)

    def _keep(self, question: Question, done: "asyncio.Future[bytes]") -> None:
        self._building.pop(question, None)
        if done.cancelled() or done.exception() is not None:
            return
        self._kept[question] = done.result()
        self._size += len(done.result())
        while self._size > MAX_KEPT_BYTES and len(self._kept) > 1:
            self._size -= len(self._kept.popitem(last=False)[1])

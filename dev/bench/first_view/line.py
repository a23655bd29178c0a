"""A slow line between Chromium and the server, by the browser's own throttling, with what went over it."""

from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from playwright.sync_api import CDPSession, Page

from dev.bench.results import Metrics


@dataclass(frozen=True)
class Line:
    """`latency_ms` is added to each request, as Chromium does it."""

    kilobits: int
    latency_ms: int

    @property
    def bytes_per_second(self) -> float:
        return self.kilobits * 1000 / 8

    def seconds_for(self, size: int) -> float:
        """The least for one file of so many bytes: a round trip, and the bytes."""
        return self.latency_ms / 1000 + size / self.bytes_per_second


@dataclass
class SlowLine:
    """While the block runs the page's requests are slow and none is answered from a cache."""

    page: Page
    line: Line
    _bytes: int = 0
    _cdp: CDPSession = field(init=False)

    def __enter__(self) -> Self:
        self._cdp = self.page.context.new_cdp_session(self.page)
        self._cdp.send("Network.enable")
        self._cdp.send("Network.setCacheDisabled", {"cacheDisabled": True})
        conditions = {
            "offline": False,
            "latency": self.line.latency_ms,
            "downloadThroughput": self.line.bytes_per_second,
            "uploadThroughput": self.line.bytes_per_second,
        }
        self._cdp.send("Network.emulateNetworkConditions", conditions)
        self._cdp.on("Network.dataReceived", self._count)
        self._cdp.on("Network.responseReceived", self._count_head)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cdp.detach()

    def spent(self, part: str) -> Metrics:
        """Since the page was asked for."""
        return {f"{part}_ms": self.page.evaluate("performance.now()"), f"{part}_kib": self._bytes / 1024}

    def _count(self, event: dict[str, Any]) -> None:
        self._bytes += max(event["encodedDataLength"], 0)

    def _count_head(self, event: dict[str, Any]) -> None:
        self._bytes += max(event["response"]["encodedDataLength"], 0)

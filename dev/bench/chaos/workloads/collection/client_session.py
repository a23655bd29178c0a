"""What the client of one session asked for and saw."""

from dataclasses import dataclass, field
from typing import Any

from dev.bench.chaos.workloads.collection.persons import InventedPerson


@dataclass
class ClientSession:
    """A client's operations, in their order: begun, the authentication asked for, the end seen. `errors` are what the
    client itself could tell to be wrong."""

    person: InventedPerson
    wants_report: bool
    began_at: float
    session_id: str = ""
    token: str = ""
    asked_at: float | None = None
    asked_again: int = 0
    ended_at: float | None = None
    status: str = ""
    epoch: str = ""
    seq: int = 0
    resyncs: int = 0
    completed_in: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        return self.session_id

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def is_unfinished(self) -> bool:
        """Also one that nobody has answered yet."""
        return self.ended_at is None and not self.errors

    @property
    def was_told_to_ask_again(self) -> bool:
        """As when nobody knows whether the push reached the phone, or the files were lost with their disk: the product
        leaves it to the person."""
        return self.status == "error"

    def read_page(self, page: dict[str, Any]) -> None:
        """One answer of the polling fallback: numbers without holes within an epoch, nothing after `completed`."""
        if page["resync"]:
            self.resyncs += 1
            self.epoch, self.seq = page["epoch"], page["last_seq"]
            return
        for event in page["messages"]:
            self._read_event(event)

    def _read_event(self, event: dict[str, Any]) -> None:
        if event["epoch"] != self.epoch:
            if self.epoch and self.seq:
                self.errors.append("a new epoch without resync")
            self.epoch, self.seq = event["epoch"], 0
        if event["seq"] != self.seq + 1:
            self.errors.append("a hole in the numbers")
        if self.epoch in self.completed_in:
            self.errors.append("an event after completed")
        self.seq = event["seq"]
        self.status = event.get("status") or self.status
        if event["type"] == "streaming_status" and self.status == "completed":
            self.completed_in.append(self.epoch)

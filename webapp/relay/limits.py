"""Every bound of a connection: the relay's group of settings, under the name that the relay knows it by."""

from dataclasses import fields
from typing import Self

from core.settings import RelaySettings, Settings


class RelayLimits(RelaySettings):
    """`sockets_` counts readers of any kind: WebSockets, SSE answers and long polls."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(**{item.name: getattr(settings.relay, item.name) for item in fields(cls)})

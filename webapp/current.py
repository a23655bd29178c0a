"""What the running app was built with, for the code of one request."""

from dataclasses import dataclass
from typing import Any, cast

from flask import Flask, current_app
from flask_limiter import Limiter

from services.interviews.chats import Chats
from services.journey.maps.store import FloorMaps
from services.stores import Stores
from spool import Spool
from webapp.probes import ProcessReadiness
from webapp.readiness import Readiness
from webapp.relay.relay import Relay

_KEY = "welno"


@dataclass(frozen=True)
class Parts:
    """Built once by create_app."""

    stores: Stores
    spool: Spool
    maps: FloorMaps
    limiter: Limiter
    readiness: Readiness
    process_readiness: ProcessReadiness
    relay: Relay
    chats: Chats

    def close(self) -> None:
        self.relay.stop()
        self.chats.close()
        self.stores.close()


def keep_parts(app: Flask, kept: Parts) -> None:
    app.extensions[_KEY] = kept


def parts(app: Any = current_app) -> Parts:
    return cast(Parts, app.extensions[_KEY])


def stores() -> Stores:
    return parts().stores

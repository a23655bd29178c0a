"""Django Channels with its Redis pub/sub layer: an event stream over WebSocket as its tutorial would write it.

`uvicorn channels_app:application`, with BENCH_REDIS_URL. With the packages of `dev/requirements/bench-relay.txt`;
imports nothing of ours.
"""

# mypy: disable-error-code="import-not-found,import-untyped,misc"
import os
from typing import Any
from urllib.parse import parse_qs

import django
import redis.asyncio
from django.conf import settings

REDIS_URL = os.environ["BENCH_REDIS_URL"]
settings.configure(
    SECRET_KEY="of a benchmark",
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["channels"],
    CHANNEL_LAYERS={
        "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}
    },
)
django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402 after the settings, as Django wants it
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.urls import path  # noqa: E402

store: Any = redis.asyncio.Redis(
    connection_pool=redis.asyncio.BlockingConnectionPool.from_url(REDIS_URL, max_connections=50, timeout=60)
)


class StreamConsumer(AsyncWebsocketConsumer):
    """One reader of one stream. Messages of the layer wait until `connect` has returned."""

    async def connect(self) -> None:
        self.stream = self.scope["url_route"]["kwargs"]["stream"]
        self.seq = int(parse_qs(self.scope["query_string"].decode()).get("after", ["0"])[0])
        presented = dict(self.scope["headers"]).get(b"authorization", b"").removeprefix(b"Bearer ")
        if await store.get(f"bench:token:{self.stream}") != presented:
            await self.close(code=4401)
            return
        await self.channel_layer.group_add(self.stream, self.channel_name)
        await self.accept()
        await self.send(text_data='{"type":"hello"}')
        for entry_id, fields in await store.xrange(f"bench:log:{self.stream}", min=f"({self.seq}-0"):
            self.seq = int(entry_id.partition(b"-")[0])
            await self.send(text_data=fields[b"body"].decode())

    async def disconnect(self, code: int) -> None:  # noqa: ARG002 the layer's signature
        await self.channel_layer.group_discard(self.stream, self.channel_name)

    async def stream_event(self, message: dict[str, Any]) -> None:
        if message["seq"] > self.seq:
            self.seq = message["seq"]
            await self.send(text_data=message["text"])


application = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": URLRouter([path("ws/<str:stream>", StreamConsumer.as_asgi())]),
    }
)

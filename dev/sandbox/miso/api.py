"""MISO's paths, and the same under Dify's names: whose key opens which, and which fault strikes."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from dev.sandbox.exchange import parse_body
from dev.sandbox.faults import CallAtHand
from dev.sandbox.miso import chat, knowledge, workflows
from dev.sandbox.miso.errors import MisoRefusalError
from dev.sandbox.miso.exchange import DIFY_PREFIX, MISO_PREFIX, MisoExchange
from dev.sandbox.service import Sandbox

Handler = Callable[[MisoExchange], Awaitable[web.StreamResponse]]
LARGEST_BODY_BYTES = 17 * 1024 * 1024
WORKFLOW, CHAT, KNOWLEDGE = "workflow", "chat", "knowledge"
_MISO_MODE, _DIFY_MODE = ("mode",), ("response_mode",)
# A public client of MISO's chat sends Dify's name.
_EITHER_MODE = ("mode", "response_mode")


@dataclass(frozen=True, slots=True)
class MisoRoute:
    """`app`: whose key it takes; empty for that of any app."""

    method: str
    path: str
    app: str
    handler: Handler
    mode_fields: tuple[str, ...] = ()


_DOCS = f"{MISO_PREFIX}/datasets/{{dataset_id}}/docs"


def list_routes() -> list[MisoRoute]:
    both = [
        route
        for prefix, mode in ((MISO_PREFIX, _MISO_MODE), (DIFY_PREFIX, _DIFY_MODE))
        for route in (
            MisoRoute("POST", f"{prefix}/workflows/run", WORKFLOW, workflows.run_workflow, mode),
            MisoRoute("GET", f"{prefix}/workflows/run/{{run_id}}", WORKFLOW, workflows.show_run),
            MisoRoute("GET", f"{prefix}/workflows/logs", WORKFLOW, workflows.list_logs),
            MisoRoute("POST", f"{prefix}/workflows/tasks/{{task_id}}/stop", WORKFLOW, workflows.stop_workflow),
            MisoRoute("POST", f"{prefix}/files/upload", "", knowledge.upload_file),
        )
    ]
    return [
        *both,
        MisoRoute("POST", f"{MISO_PREFIX}/chat", CHAT, chat.chat, _EITHER_MODE),
        MisoRoute("POST", f"{MISO_PREFIX}/chat/{{task_id}}/stop", CHAT, chat.stop_chat),
        MisoRoute("POST", f"{DIFY_PREFIX}/chat-messages", CHAT, chat.chat, _DIFY_MODE),
        MisoRoute("POST", f"{DIFY_PREFIX}/chat-messages/{{task_id}}/stop", CHAT, chat.stop_chat),
        MisoRoute("POST", f"{_DOCS}/text", KNOWLEDGE, knowledge.add_document),
        MisoRoute("GET", _DOCS, KNOWLEDGE, knowledge.list_documents),
        MisoRoute("POST", f"{_DOCS}/{{document_id}}/segments", KNOWLEDGE, knowledge.add_segments),
        MisoRoute("DELETE", f"{_DOCS}/{{document_id}}", KNOWLEDGE, knowledge.remove_document),
    ]


class Miso:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        options = sandbox.options
        self._keys = {
            WORKFLOW: options.miso_api_key,
            CHAT: options.miso_agent_api_key,
            KNOWLEDGE: options.miso_knowledge_api_key,
        }

    def routes(self) -> list[web.RouteDef]:
        return [web.route(route.method, route.path, self._handler_of(route)) for route in list_routes()]

    def _handler_of(self, route: MisoRoute) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._handle(route, request)

        return handle

    async def _handle(self, route: MisoRoute, request: web.Request) -> web.StreamResponse:
        """Cancelled when the client leaves, which ends no workflow."""
        world = self._sandbox.world
        raw = await _read_body(request)
        body = parse_body(raw)
        call = world.miso.calls.begin(request.path, raw.decode("utf-8", "replace"), body)
        fault = world.faults.take(CallAtHand(request.path, None, request.method, call.holds))
        exchange = MisoExchange(request, world.miso, call, body, fault, route.mode_fields)
        try:
            return await self._meet(route, exchange)
        except MisoRefusalError as refusal:
            return await exchange.give(refusal.as_reply())
        except asyncio.CancelledError:
            call.finish(status=None, delivered=False)
            raise

    async def _meet(self, route: MisoRoute, exchange: MisoExchange) -> web.StreamResponse:
        fault = exchange.fault
        if fault is not None:
            await fault.wait_before()
            if not fault.lets_call_happen:
                return await exchange.give_in_its_place(fault)
        self._require_key(route, exchange.request)
        return await route.handler(exchange)

    def _require_key(self, route: MisoRoute, request: web.Request) -> None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
        fitting = [key for app, key in self._keys.items() if route.app in ("", app)]
        if not any(hmac.compare_digest(given, key.encode()) for key in fitting):
            raise MisoRefusalError("unauthorized", "Access token is invalid", 401)


async def _read_body(request: web.Request) -> bytes:
    """Of a form: what its files and fields hold, without the boundaries between them."""
    if not request.content_type.startswith("multipart/"):
        return await request.read()
    form = await request.post()
    return b"\n".join(one.file.read() if isinstance(one, web.FileField) else str(one).encode() for one in form.values())

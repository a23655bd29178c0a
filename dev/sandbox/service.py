"""The sandbox as a whole: the providers, the world they live in, and the way of one call through both."""

import asyncio
from dataclasses import dataclass

from aiohttp import web

from dev.sandbox.answers import AnswerCache
from dev.sandbox.crypto import KeyPair
from dev.sandbox.delivery import deliver
from dev.sandbox.emr import EMR_PREFIX, Emr
from dev.sandbox.errors import NotFoundError
from dev.sandbox.exchange import Exchange, normalise_path, parse_body, token_fields
from dev.sandbox.faults import CallAtHand, Fault
from dev.sandbox.mediarc import MediArc
from dev.sandbox.replies import NOT_FOUND, Reply
from dev.sandbox.tilko import PATHS, Tilko
from dev.sandbox.world import World

LOCAL_DOORS = ("/control", "/phone")
REPORTS_PREFIX, PDF_SUFFIX = "/mediarc/reports/", ".pdf"


@dataclass(frozen=True, slots=True)
class Options:
    host: str = "127.0.0.1"
    port: int = 0
    seed: int = 7
    tilko_api_key: str = "sandbox-tilko-key"
    mediarc_api_key: str = "sandbox-mediarc-key"
    miso_api_key: str = "sandbox-miso-key"
    miso_agent_api_key: str = "sandbox-miso-agent-key"
    miso_knowledge_api_key: str = "sandbox-miso-knowledge-key"
    mediarc_path: str = "mediarc/predict"
    verify_every_poll: bool = False


def _read_tid(exchange: Exchange) -> str | None:
    data = (exchange.body or {}).get("twobecon_data")
    tid = data.get("tid") if isinstance(data, dict) else None
    return tid if isinstance(tid, str) else None


class Sandbox:
    def __init__(self, options: Options) -> None:
        self.options = options
        self.cache = AnswerCache()
        self.world = World()
        keys = KeyPair()
        self.tilko = Tilko(options.tilko_api_key, options.seed, options.verify_every_poll, keys, self.cache)
        self.mediarc = MediArc(options.mediarc_api_key, options.seed)
        self.emr = Emr()

    def reset(self) -> None:
        """Begin a new world. Held calls go on, and end in the ledger of the old one."""
        self.world.faults.clear()
        self.world = World()

    def _speaks_mediarc(self, path: str) -> bool:
        return path.endswith("/" + self.options.mediarc_path.strip("/").lower())

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One call of a provider. Cancelled when the client leaves (the server runs with handler_cancellation)."""
        world, path = self.world, normalise_path(request.path)
        if path.startswith(REPORTS_PREFIX):
            return self._give_report(world, path)
        if path.startswith(LOCAL_DOORS):
            raise NotFoundError("path")
        call = world.ledger.begin(request.path)
        body = parse_body(await request.read()) if request.can_read_body else None
        origin = f"{request.scheme}://{request.host}"
        exchange = Exchange(request.method, path, request.query, request.headers, body, origin, call)
        cxid = token_fields(path, body).get("CxId")
        call.cxid = cxid if isinstance(cxid, str) else None
        call.tid = _read_tid(exchange)
        try:
            return await self._answer(world, request, exchange)
        except asyncio.CancelledError:
            call.finish(status=None, delivered=False)
            raise

    async def _answer(self, world: World, request: web.Request, exchange: Exchange) -> web.StreamResponse:
        fault = world.faults.take(CallAtHand(request.path, exchange.call.cxid, request.method))
        if fault is None:
            reply = await self._ask_provider(world, exchange)
        else:
            reply = await self._meet_fault(world, exchange, fault)
        exchange.call.error_code = reply.error_code
        return await deliver(request, reply, exchange.call, fault.cut if fault else None)

    async def _meet_fault(self, world: World, exchange: Exchange, fault: Fault) -> Reply:
        await fault.wait_before()
        real = await self._ask_provider(world, exchange) if fault.lets_call_happen else None
        await fault.wait_after()
        if real is None or fault.replaces_answer:
            return fault.spoil(speaks_mediarc=self._speaks_mediarc(exchange.path))
        if fault.reshape is not None:
            return fault.reshape.apply(real, fault.headers)
        return Reply(real.status, real.parts, real.content_type, fault.headers, real.error_code)

    async def _ask_provider(self, world: World, exchange: Exchange) -> Reply:
        if exchange.path in PATHS:
            return await self.tilko.answer(world, exchange)
        if self._speaks_mediarc(exchange.path):
            return self.mediarc.answer(world, exchange)
        if exchange.path.startswith(EMR_PREFIX):
            return self.emr.answer(world, exchange)
        return NOT_FOUND

    def _give_report(self, world: World, path: str) -> web.Response:
        report_id = path.removeprefix(REPORTS_PREFIX).removesuffix(PDF_SUFFIX)
        report = world.reports.find_by_id(report_id)
        if report is None or not path.endswith(PDF_SUFFIX):
            raise NotFoundError("report")
        return web.Response(body=report.print_pdf(), content_type="application/pdf")

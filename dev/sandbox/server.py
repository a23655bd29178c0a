"""The HTTP server: routes, error replies, and the two doors that only open to this machine."""

import asyncio
import ipaddress
import signal

from aiohttp import web
from aiohttp.typedefs import Handler

from dev.sandbox.control import Control
from dev.sandbox.errors import SandboxError
from dev.sandbox.exchange import normalise_path
from dev.sandbox.miso.api import LARGEST_BODY_BYTES, Miso
from dev.sandbox.phone import Phone
from dev.sandbox.service import LOCAL_DOORS, Options, Sandbox

# A provider that is told to stop drops its calls: whoever called must cope, as with the real one.
SHUTDOWN_SECONDS = 0.1


def _is_local(address: str | None) -> bool:
    return address is not None and ipaddress.ip_address(address).is_loopback


def _describe_refusal(refusal: SandboxError) -> web.Response:
    body = {"error": str(refusal), "field": getattr(refusal, "field", None)}
    return web.json_response(body, status=refusal.status)


@web.middleware
async def guard_doors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Control and phone know no password, so they answer loopback addresses only."""
    if normalise_path(request.path).startswith(LOCAL_DOORS) and not _is_local(request.remote):
        return web.json_response({"error": "only from this machine"}, status=403)
    try:
        return await handler(request)
    except SandboxError as refusal:
        return _describe_refusal(refusal)


def create_app(options: Options) -> web.Application:
    sandbox = Sandbox(options)
    app = web.Application(middlewares=[guard_doors], client_max_size=LARGEST_BODY_BYTES)
    app.add_routes(Control(sandbox).routes())
    app.add_routes(Phone(sandbox).routes())
    app.add_routes(Miso(sandbox).routes())
    app.router.add_route("*", "/{path:.*}", sandbox.handle)
    return app


async def serve(options: Options) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(
        create_app(options), handler_cancellation=True, shutdown_timeout=SHUTDOWN_SECONDS, access_log=None
    )
    await runner.setup()
    site = web.TCPSite(runner, options.host, options.port, backlog=4096)
    await site.start()
    host, port = runner.addresses[0][:2]
    print(f"sandbox listening on http://{host}:{port}", flush=True)  # noqa: T201 - callers wait for this line
    await stop.wait()
    await runner.cleanup()

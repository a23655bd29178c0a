"""The operators' command for a lost or a retiring PostgreSQL: `python -m tasks.failover status`, `... promote`.

It needs DATABASE_URL alone, which names all servers, and a login that may do it (docs/operations.md, 'A primary and a
replica').
"""

import argparse
import signal
import sys
from collections.abc import Sequence

from core.settings import load_values
from services.failover import Failover, FailoverError, Server, UnreachableServer


def main(arguments: Sequence[str] | None = None) -> int:
    """Status: 0 when one server takes writes afterwards, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tasks.failover", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("status", help="what each server is, and how far it has the log")
    promote = actions.add_parser("promote", help="let the standby take writes, in a new epoch")
    promote.add_argument(
        "--switch-over", action="store_true", help="the primary answers: end its sessions and leave it"
    )
    promote.add_argument(
        "--force", action="store_true", help="although a primary may still be there that cannot be asked; first stop it"
    )
    options = parser.parse_args(arguments)
    [url] = load_values("DATABASE_URL")
    failover = Failover(url)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        if options.action == "status":
            return _show(failover)
        return _promote(failover, switch_over=options.switch_over, force=options.force)
    except FailoverError as exc:
        sys.stderr.write(f"failover: {exc}\n")
    except KeyboardInterrupt:
        sys.stderr.write("failover: interrupted; if `status` shows nobody who takes writes, call this again\n")
    return 1


def _promote(failover: Failover, *, switch_over: bool, force: bool) -> int:
    address, epoch = failover.promote(switch_over=switch_over, force=force)
    sys.stdout.write(f"{address} takes writes, in the new epoch {epoch}\n")
    return 0


def _show(failover: Failover) -> int:
    found = failover.look_at_all()
    servers = [server for server in found if isinstance(server, Server)]
    first = max((server.position for server in servers), default=0)
    for one in found:
        described = (
            _describe_unreachable(one, failover) if isinstance(one, UnreachableServer) else _describe(one, first)
        )
        sys.stdout.write(f"{one.address}  {described}\n")
    return 0 if sum(server.takes_writes for server in servers) == 1 else 1


def _describe_unreachable(server: UnreachableServer, failover: Failover) -> str:
    return f"listens, no answer: {server.reason}" if failover.listens(server.address) else "away"


def _describe(server: Server, first: int) -> str:
    kind = "standby" if server.is_standby else "primary" if server.takes_writes else "primary, read only"
    parts = [kind, f"timeline {server.timeline}", f"{first - server.position} bytes behind"]
    if server.synchronous:
        parts.append(f"waits for {server.synchronous}")
    if server.is_standby:
        heard = f"{server.heard_at:%Y-%m-%dT%H:%M:%SZ}" if server.heard_at else "nobody"
        parts.append(f"hears {heard}" if server.hears_primary else "hears nobody")
    return "  ".join(parts)


if __name__ == "__main__":
    sys.exit(main())

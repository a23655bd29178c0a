"""`python -m dev.hosts up` lays out the hosts; the other commands act on them from a second shell."""

import argparse
import os
import signal
import sys
from pathlib import Path

from dev.hosts.control import ask
from dev.hosts.errors import HostsError
from dev.hosts.faults import Slowness
from dev.hosts.supervisor import HostsOptions, run
from dev.local.child import die_with
from dev.local.errors import LocalError
from dev.local.within import demo_home, demo_ports


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dev.hosts", description=__doc__)
    parser.add_argument("--home", type=Path, default=None, help="of the hosts (default: hosts/ in WELNO_HOME)")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start everything, until Ctrl-C")
    up.add_argument(
        "--port",
        type=int,
        default=None,
        help="of the site (default: WELNO_PORT, 8000); the next are the sandbox's and Flower's",
    )
    up.add_argument("--sandbox-port", type=int, default=None)
    up.add_argument("--flower-port", type=int, default=None)
    up.add_argument("--loopback", action="store_true", help="without namespaces, also where there are some")
    up.add_argument("--without", action="append", default=[], help="a role whose hosts are left out, such as rabbitmq")
    up.add_argument("--network-only", action="store_true", help="nothing runs on the hosts")
    up.add_argument("--end-with-parent", action="store_true", help="also stop when the calling process vanishes")
    commands.add_parser("status", help="what runs where")
    cut = commands.add_parser("cut", help="a host from everybody, or the link between two")
    cut.add_argument("host")
    cut.add_argument("other", nargs="?")
    cut.add_argument("--one-way", action="store_true", help="lose only what the first sends to the second")
    slow = commands.add_parser("slow", help="a host's link with everybody, or with one other, both ways")
    slow.add_argument("host")
    slow.add_argument("other", nargs="?")
    slow.add_argument("--delay-ms", type=int, default=Slowness().delay_ms)
    slow.add_argument("--rate-kbit", type=int, default=Slowness().rate_kbit, help="where the kernel cannot delay")
    commands.add_parser("kill", help="a host, as with its power cut").add_argument("host")
    heal = commands.add_parser("heal", help="a host, a link, or without a name everything")
    heal.add_argument("host", nargs="?")
    heal.add_argument("other", nargs="?")
    green = commands.add_parser("green", help="start a second release's processes beside the first's")
    green.add_argument("folder", type=os.path.abspath, help="with all its code")
    commands.add_parser("switch", help="have haproxy ask the second release")
    commands.add_parser("retire", help="stop the first release's processes")
    inside = commands.add_parser("exec", help="run a command on a host, with the product's environment")
    inside.add_argument("host")
    inside.add_argument("program", nargs=argparse.REMAINDER)
    return parser.parse_args(arguments)


def main() -> int:
    given = parse()
    home = (given.home or demo_home() / "hosts").resolve()
    try:
        if given.command == "up":
            return up(home, given)
        if given.command == "exec":
            enter(home, given.host, given.program)
        request = {name: value for name, value in vars(given).items() if name != "home"}
        print(ask(home, request))
    except LocalError as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 1
    return 0


def up(home: Path, given: argparse.Namespace) -> int:
    """Raises LocalError."""
    if given.end_with_parent:
        die_with(os.getppid(), signal.SIGTERM)
    port = given.port or demo_ports().web
    return run(
        HostsOptions(
            home,
            port,
            given.sandbox_port or port + 1,
            given.flower_port or port + 2,
            wants_loopback=given.loopback,
            network_only=given.network_only,
            without=tuple(given.without),
        )
    )


def enter(home: Path, host: str, command: list[str]) -> None:
    """Becomes the command. Raises HostsError."""
    if not command:
        raise HostsError("exec needs a command")
    where = ask(home, {"command": "where", "host": host})
    prefix: list[str] = []
    if where["descriptor"] is not None:
        prefix = ["nsenter", f"--net=/proc/{where['pid']}/fd/{where['descriptor']}"]
        if os.geteuid() != 0:
            prefix[1:1] = [f"--user=/proc/{where['pid']}/ns/user", "--preserve-credentials"]
        prefix.append("--")
    command = [*prefix, *command]
    # `python` is the one that has the product's packages, also where nobody has activated its environment.
    paths = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    os.execvpe(command[0], command, {**os.environ, **where["environment"], "PATH": paths})  # noqa: S606 no shell is the point


if __name__ == "__main__":
    sys.exit(main())

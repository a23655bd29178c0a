"""All benches with small sizes, one after the other: `make bench`."""

import sys

from dev.bench.at_rest import __main__ as at_rest
from dev.bench.clients import __main__ as clients
from dev.bench.idle import __main__ as idle
from dev.bench.interviews import __main__ as interviews
from dev.bench.journey import __main__ as journey
from dev.bench.journey_estimates import __main__ as journey_estimates
from dev.bench.masking import __main__ as masking
from dev.bench.pipeline import __main__ as pipeline
from dev.bench.pipeline.peers import install_peers
from dev.bench.relay import __main__ as relay
from dev.bench.spool import __main__ as spool
from dev.bench.threads import __main__ as threads
from dev.bench.waiting import __main__ as waiting


def main() -> int:
    """`docs/measured.md` has the sizes of its figures. Without `first_view`, which needs Chromium."""
    install_peers()
    pipeline.main(["--sessions", "60", "--rounds", "3", "--http-sessions", "40"])
    spool.main(["--large", "3000", "--rounds", "3"])
    at_rest.main(["--patients", "5000", "--rounds", "7"])
    waiting.main(["--sessions", "2000", "--seconds", "15", "--peer-sessions", "100", "--peer-seconds", "8"])
    idle.main(["--seconds", "10", "--rounds", "3"])
    clients.main(["--rounds", "3", "--messages", "5000", "--commands", "4000", "--exchanges", "500"])
    journey_estimates.main([])
    masking.main(["--size", "100"])
    journey.main(["--waiting", "2000", "--lines", "20", "--walkers", "100", "--per-second", "30", "--calls", "20"])
    interviews.main(
        ["--readers", "20", "--sse-readers", "300", "--interviews", "20000", "--reads", "50", "--uploads", "5"]
    )
    threads.main(
        [
            *("--writers", "4", "--pushes", "20", "--sleeping", "500", "--idle-seconds", "5", "--behind", "1000"),
            *("--blob-mib", "2", "--records", "50", "--links", "10"),
        ]
    )
    relay.main(["--sockets", "1000", "--idle-seconds", "10", "--seconds", "3", "--rounds", "3"])
    return 0


if __name__ == "__main__":
    sys.exit(main())

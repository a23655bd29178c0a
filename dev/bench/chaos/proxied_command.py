"""Runs a command whose stores lie behind other ports.

    python -m dev.bench.chaos.proxied_command FROM:TO,FROM:TO COMMAND ...

The addresses hold passwords, so they are rewritten in the environment and never stand on a command line.
"""

import os
import sys
from collections.abc import Mapping

_ADDRESSES = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL")


def rewrite(environment: Mapping[str, str], ports: str) -> dict[str, str]:
    """The same environment with each port of the stores' addresses exchanged."""
    changed = dict(environment)
    for pair in ports.split(","):
        old, _, new = pair.partition(":")
        for name in _ADDRESSES:
            changed[name] = changed[name].replace(f":{old}/", f":{new}/")
    return changed


if __name__ == "__main__":
    os.execvpe(sys.argv[2], sys.argv[2:], rewrite(os.environ, sys.argv[1]))

"""Starts the sandbox: `python -m dev.sandbox --port 8900`."""

import argparse
import asyncio

from dev.sandbox.server import serve
from dev.sandbox.service import Options


def parse_options(arguments: list[str] | None = None) -> Options:
    usual = Options()
    parser = argparse.ArgumentParser(prog="sandbox", description="Local stand-ins of Tilko, MediArc and MISO.")
    parser.add_argument("--port", type=int, required=True, help="0 lets the kernel choose")
    parser.add_argument("--host", default=usual.host)
    parser.add_argument("--seed", type=int, default=usual.seed, help="another seed gives the same people other values")
    parser.add_argument("--tilko-api-key", default=usual.tilko_api_key)
    parser.add_argument("--mediarc-api-key", default=usual.mediarc_api_key)
    for option, key in (
        ("--miso-api-key", usual.miso_api_key),
        ("--miso-agent-api-key", usual.miso_agent_api_key),
        ("--miso-knowledge-api-key", usual.miso_knowledge_api_key),
    ):
        parser.add_argument(option, default=key, help="opens its own app only")
    parser.add_argument("--mediarc-path", default=usual.mediarc_path, help="what the path of MediArc ends with")
    parser.add_argument("--verify-every-poll", action="store_true", help="decrypt polls before the approval too")
    return Options(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    asyncio.run(serve(parse_options()))

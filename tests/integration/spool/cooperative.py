"""Run as a process of its own, with an address and a place: the spool in a process that gevent has patched, from its
loop and from threads of the system at once."""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402
from functools import partial  # noqa: E402
from uuid import uuid4  # noqa: E402

import gevent  # noqa: E402

from core.clock import Clock  # noqa: E402
from core.settings import FileSettings  # noqa: E402
from spool import AnswerKind, KeptAnswer, open_spool  # noqa: E402
from tests.integration.spool.conftest import SEALER  # noqa: E402

_ROUNDS, _AT_ONCE = 4, 6


def main(endpoint: str, url: str) -> None:
    settings = FileSettings(data_url=url, data_endpoint=endpoint)
    spool = open_spool(settings, SEALER, Clock())
    threads = gevent.get_hub().threadpool
    for _ in range(_ROUNDS):
        begun = [threads.spawn(spool.prove_writable) for _ in range(_AT_ONCE)]
        put = partial(spool.put_incoming, kind=AnswerKind.HEALTH, answer=KeptAnswer(b"x" * 100_000))
        begun += [gevent.spawn(put, str(uuid4())) for _ in range(_AT_ONCE)]
        for one in begun:
            one.get(timeout=60)
    sys.stdout.write(str(spool.counts()["incoming"]))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The operators' command for webhooks: `python -m tasks.webhooks add | list | remove | enable | log | resend`.

`add` prints the id and, this once, the secret with which the receiver verifies what comes (Standard Webhooks). Where
the address's host is not known now, it says so on standard error.
Exit status: 0 done, 1 not possible (the sentence says why), 2 wrong use, 3 PostgreSQL is away.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from uuid import UUID

from core.networks import AllowedAddresses
from services.stores import Stores
from services.webhooks.operators import (
    InvalidWebhookUrl,
    WebhookDisabled,
    WebhookNotFound,
    add_webhook,
    enable,
    list_webhooks,
    read_log,
    remove_webhook,
    resend,
)
from tasks.arguments import read_line_limit
from tasks.commands import end_command
from tasks.opening import open_stores

_LOG_LINES = 50


def add(here: Stores, options: argparse.Namespace) -> str:
    allowed = AllowedAddresses(here.settings.processes.webhook_networks)
    with here.unit_of_work() as work:
        added = add_webhook(work.session, here.sealer, options.url, allowed)
    if added.unknown_host:
        sys.stderr.write(f"{added.unknown_host} cannot be resolved here now: it is told nothing until it can be\n")
    return f"id      {added.id}\nsecret  {added.secret}"


def show_all(here: Stores, _options: argparse.Namespace) -> str:
    with here.sessions() as session:
        listed = list_webhooks(session)
    return "\n".join(f"{one.id}  {'disabled' if one.disabled_at else 'active':8}  {one.url}" for one in listed)


def remove(here: Stores, options: argparse.Namespace) -> str:
    with here.unit_of_work() as work:
        remove_webhook(work.session, options.webhook)
    return "is told no more; its messages are gone"


def enable_again(here: Stores, options: argparse.Namespace) -> str:
    with here.unit_of_work() as work:
        enable(work.session, options.webhook)
    return "is told of what ends from now on"


def show_log(here: Stores, options: argparse.Namespace) -> str:
    with here.sessions() as session:
        listed = read_log(session, options.webhook, options.limit)
    return "\n".join(
        f"{one.created_at:%Y-%m-%dT%H:%M:%SZ}  {one.id}  {one.kind}  session {one.session_id}"
        f"  attempts {one.attempts}  {one.last_result or '-'}  {_state(one.is_delivered, one.ended_at is not None)}"
        for one in listed
    )


def send_again(here: Stores, options: argparse.Namespace) -> str:
    with here.unit_of_work() as work:
        resend(work.session, options.delivery, here.clock.now())
    return "is sent again within half a minute"


def _state(is_delivered: bool, is_ended: bool) -> str:
    if is_delivered:
        return "delivered"
    return "given up" if is_ended else "waiting"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tasks.webhooks", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)

    def verb(name: str, run: Callable[[Stores, argparse.Namespace], str], words: str) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=words)
        made.set_defaults(run=run)
        return made

    verb("add", add, "tell this address of every session's end").add_argument("url", help="https only")
    verb("list", show_all, "all webhooks")
    verb("remove", remove, "tell it no more").add_argument("webhook", type=UUID)
    verb("enable", enable_again, "tell it again, after it answered 410").add_argument("webhook", type=UUID)
    log = verb("log", show_log, "the newest messages, and what came of them")
    log.add_argument("--webhook", type=UUID)
    log.add_argument("--limit", type=read_line_limit, default=_LOG_LINES)
    verb("resend", send_again, "send a message again").add_argument("delivery", type=UUID)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    here = open_stores()
    try:
        answer = options.run(here, options)
    except WebhookNotFound:
        sys.stderr.write("nothing has this id\n")
        return 1
    except WebhookDisabled as exc:
        sys.stderr.write(f"its receiver has answered 410, and is told no more: enable {exc} first\n")
        return 1
    except InvalidWebhookUrl as exc:
        sys.stderr.write(f"url: {exc}\n")
        return 1
    finally:
        here.close()
    sys.stdout.write(f"{answer}\n" if answer else "")
    return 0


if __name__ == "__main__":
    end_command(main)

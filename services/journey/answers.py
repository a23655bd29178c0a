"""What the journey's functions answer: JSON, stored with the change for calls that may come again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from models.journey import QueueEntry
from services.delivery.idempotency import CallKey, claim_key, fingerprint_of, store_reply
from services.journey.actors import JourneyActor, actor_key
from services.journey.bodies import Body, queue_body
from services.journey.concluding import Conclusion
from services.journey.work import JourneyWork


@dataclass(frozen=True)
class JourneyAnswer:
    """`is_replayed`: it was given before, and nothing has changed now."""

    body: Body
    is_replayed: bool = False


def answer_once(
    journey: JourneyWork,
    actor: JourneyActor,
    key: str | None,
    call: tuple[Any, ...],
    do: Callable[[], Body],
    *,
    status: int = 200,
) -> JourneyAnswer:
    """Do it, unless the actor has done this very call under this key. `call` is what it is, with its body.

    Raises KeyOfAnotherCall.
    """
    if key is None:
        return JourneyAnswer(do())
    claimed = CallKey(actor_key(actor.principal_id), key, fingerprint_of(*call))
    stored = claim_key(journey.session, claimed, journey.now)
    if stored is not None:
        return JourneyAnswer(stored.body, is_replayed=True)
    body = do()
    store_reply(journey.session, claimed, status, body)
    return JourneyAnswer(body)


def queue_answer(concluded: Conclusion, entry: QueueEntry, actor: JourneyActor) -> Body:
    """Of one entry, with where the person is now."""
    return {"queue": queue_body(concluded.entries[entry.queue_id]), "journey": concluded.snapshot(actor.role)}

"""Who acts on a journey."""

from dataclasses import dataclass
from uuid import UUID

from models.journey import JourneyRole
from models.journey.states import acting_role


@dataclass(frozen=True)
class JourneyActor:
    """A patient by their `user_id`, staff by their account, as the login proved it, never as the request says.

    `sid` names the login. `role` is None of no one: a job of ours has no actor at all.
    """

    role: JourneyRole
    principal_id: UUID
    sid: UUID | None = None

    @property
    def is_staff(self) -> bool:
        return acting_role(self.role) == JourneyRole.STAFF

    @property
    def staff_id(self) -> UUID | None:
        """None for a patient."""
        return self.principal_id if self.is_staff else None


def actor_key(principal_id: UUID) -> str:
    """Whose idempotency keys they are."""
    return str(principal_id)

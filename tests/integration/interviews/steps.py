"""Goes through the steps of a run in the test's own process."""

from services.interviews.run_tools import RunTools
from services.interviews.runs import InterviewClaim
from services.interviews.stepping import do_step, take
from tests.waiting import wait_until

from .analyses import Analyses, Uploaded


def claim(analyses: Analyses, tools: RunTools, interview: Uploaded, owner_id: int) -> InterviewClaim:
    """As soon as it is due; the sweep finds no other process to send it to."""
    return wait_until(lambda: take(tools, interview.id, analyses.world.food, owner_id))


def go_through(tools: RunTools, held: InterviewClaim | None) -> None:
    while held is not None:
        held = do_step(tools, held)

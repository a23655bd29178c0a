"""Goes through the steps of a run in the test's own process, and settles its calls."""

from services.interviews.changing import delete_interview
from services.interviews.run_tools import RunTools
from services.interviews.runs import InterviewClaim
from services.interviews.stepping import do_step, take
from services.interviews.unsettled_calls import settle_calls
from tests.waiting import wait_until
from upstream.miso.workflows import MisoWorkflows

from .analyses import Analyses, Uploaded

# Nobody hears what becomes of it.
CUT = {"cut": "before", "while_running": True, "workflow_seconds": 3}


def claim(analyses: Analyses, tools: RunTools, interview: Uploaded, owner_id: int) -> InterviewClaim:
    """As soon as it is due; the sweep finds no other process to send it to."""
    return wait_until(lambda: take(tools, interview.id, analyses.world.food, owner_id))


def go_through(tools: RunTools, held: InterviewClaim | None) -> None:
    while held is not None:
        held = do_step(tools, held)


def let_due(analyses: Analyses, interview: Uploaded, also: str = "") -> None:
    analyses.execute(f"update welno.interview_runs set due_at = now() {also} where interview_id = :id", id=interview.id)


def tokens_of(analyses: Analyses, interview: Uploaded) -> int:
    [cost] = analyses.read("select tokens from welno.miso_costs where interview_id = :id", id=interview.id)
    tokens: int = cost["tokens"]
    return tokens


def settle(analyses: Analyses, asking: RunTools, interview: Uploaded) -> None:
    """As often as the sweep would have it done."""

    def is_settled() -> bool:
        settle_calls(asking, analyses.world.food, interview.id)
        return not analyses.unsettled(interview)

    wait_until(is_settled, every=0.2)


def wait_until_logged(analyses: Analyses, miso: MisoWorkflows, interview: Uploaded) -> None:
    user = analyses.run(interview)["miso_user"]
    wait_until(lambda: miso.find_by_user(user), 30, every=0.2)


def delete_by_mina(analyses: Analyses, interview: Uploaded) -> None:
    with analyses.as_member() as member:
        delete_interview(member, interview.id)


def cut_and_delete(analyses: Analyses, tools: RunTools, owner_id: int) -> Uploaded:
    """Its workflow has ended, and nobody has asked yet what it has used."""
    interview = analyses.prepare(**CUT | {"workflow_seconds": 0.1}).interview
    go_through(tools, claim(analyses, tools, interview, owner_id))
    assert tools.miso is not None
    wait_until_logged(analyses, tools.miso, interview)
    delete_by_mina(analyses, interview)
    return interview

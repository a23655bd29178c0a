"""Which way an order may move."""

import pytest

from models.patients import PipelineStep
from services.collection.campaigns import may_move

S = PipelineStep


@pytest.mark.parametrize(
    ("current", "step", "moves"),
    [
        (None, S.TILKO_SYNCING, True),
        (S.TILKO_SYNCING, S.DATA_COLLECTED, True),
        (S.TILKO_SYNCING, S.REPORT_FAILED, True),
        (S.REPORT_WAITING, S.REPORT_WAITING, True),
        (S.REPORT_FAILED, S.REPORT_COMPLETED, True),
        (S.REPORT_COMPLETED, S.REPORT_COMPLETED, True),
        (S.DATA_COLLECTED, S.TILKO_SYNCING, False),
        (S.REPORT_COMPLETED, S.TILKO_SYNCING, False),
        (S.REPORT_COMPLETED, S.REPORT_FAILED, False),
    ],
)
def test_an_order_moves_forwards_within_a_run(current: str | None, step: PipelineStep, moves: bool) -> None:
    assert may_move(current, step, new_run=False) is moves


def test_a_new_run_begins_again_from_anywhere() -> None:
    assert may_move(S.REPORT_COMPLETED, S.TILKO_SYNCING, new_run=True)

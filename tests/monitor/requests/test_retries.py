"""The tries of one request: how early and how late the next one may begin."""

from dataclasses import replace

import pytest

from dmr_tui.monitor.requests.retries import AGAIN_WITHIN_S, EARLY_S, Retries
from dmr_tui.runner.request import Request

ENDED = 1_000_010.0
FAILED = Request(
    id="a",
    model="ai/qwen3",
    digest=None,
    api="OpenAI chat",
    caller="openai-python",
    started_at=1_000_000.0,
    outcome="failed",
    status=503,
    finished_at=ENDED,
    fingerprint=7,
)


@pytest.mark.parametrize(
    ("pause", "tries"),
    [
        (-EARLY_S - 0.01, 1),
        (-EARLY_S + 0.01, 2),
        (0.5, 2),
        (AGAIN_WITHIN_S - 0.01, 2),
        (AGAIN_WITHIN_S + 0.01, 1),
    ],
)
def test_a_try_follows_the_end_of_the_one_before(pause: float, tries: int) -> None:
    retries = Retries()
    retries.ended(FAILED)
    later = replace(FAILED, id="b", started_at=ENDED + pause, finished_at=None)
    assert retries.numbered(later).tries == tries
    assert retries.replaced(later) == ("a" if tries == 2 else None)


def test_one_that_began_before_the_failed_one_is_no_try_of_it() -> None:
    retries = Retries()
    short = replace(FAILED, started_at=ENDED - 0.1)
    retries.ended(short)
    assert retries.replaced(replace(FAILED, id="b", started_at=ENDED - 0.2)) is None

"""The numbers under an answer, in words."""

import pytest
from msgspec.structs import replace

from dmr_tui.measure.meter import Passage, Turn
from dmr_tui.measure.rates import Rate
from dmr_tui.text.turns import figures_line

TURN = Turn(
    "ai/qwen3:8B",
    Passage(["hello"]),
    ended=True,
    finish_reason="stop",
    ttft_s=0.94,
    e2e_s=1.25,
    prompt_tokens=21,
    cached_tokens=6,
    completion_tokens=78,
    decode=Rate(244.2, "server"),
    wait_s=0.93,
)


def test_each_number_has_its_source() -> None:
    assert figures_line(TURN) == (
        "244 tok/s decode server · 15 new + 6 cached prompt tokens · 0.94 s to first token client"
        " · 0.93 s of it waiting client less server · 78 tokens · 1.25 s in all client · complete"
    )


@pytest.mark.parametrize("wait", [None, 0.02])
def test_a_wait_is_shown_when_it_matters(wait: float | None) -> None:
    assert "waiting" not in figures_line(replace(TURN, wait_s=wait))


def test_what_is_unknown_is_left_out_and_never_zero() -> None:
    nothing = Turn("ai/qwen3:8B", Passage(["hello"]), ended=True, ttft_s=0.2, e2e_s=0.3)
    line = figures_line(nothing)
    assert line.startswith("— decode (")
    assert not any(word in line for word in ("0 tok", "prefill", "prompt", "tokens ·", "waiting"))

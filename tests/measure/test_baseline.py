"""Slower than usual, compared only with contexts of similar depth."""

from dmr_tui.measure.baseline import ENOUGH, REMEMBERED, Baseline


def test_too_few_calls_are_not_usual() -> None:
    baseline = Baseline()
    for _ in range(ENOUGH):
        assert baseline.judge(1000, 40.0) is None
    slower = baseline.judge(1000, 20.0)
    assert slower is not None
    assert (slower.baseline, slower.share) == (40.0, 0.5)


def test_a_little_slower_is_noise() -> None:
    baseline = Baseline()
    for _ in range(10):
        baseline.judge(1000, 40.0)
    assert baseline.judge(1000, 31.0) is None
    assert baseline.judge(1000, 29.0) is not None


def test_a_deeper_context_is_another_matter() -> None:
    baseline = Baseline()
    for _ in range(10):
        baseline.judge(1000, 40.0)
    assert baseline.judge(12_000, 20.0) is None
    assert baseline.judge(1900, 20.0) is not None
    assert baseline.judge(2000, 20.0) is not None, "twice as deep is still similar"
    assert baseline.judge(2001, 20.0) is None
    assert baseline.judge(3, 40.0) is None
    assert baseline.judge(500, 20.0) is not None, "below 512 tokens depth makes no difference"


def test_what_is_usual_changes_with_time() -> None:
    baseline = Baseline()
    for _ in range(10):
        baseline.judge(1000, 40.0)
    for _ in range(REMEMBERED):
        baseline.judge(1000, 20.0)
    assert baseline.judge(1000, 20.0) is None

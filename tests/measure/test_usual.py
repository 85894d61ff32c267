"""Slower than usual, compared only with contexts of similar depth."""

from dmr_tui.measure.baseline import ENOUGH, REMEMBERED, Usual


def test_too_few_calls_are_not_usual() -> None:
    usual = Usual()
    for _ in range(ENOUGH):
        assert usual.judge(1000, 40.0) is None
    slower = usual.judge(1000, 20.0)
    assert slower is not None
    assert (slower.usual, slower.share) == (40.0, 0.5)


def test_a_little_slower_is_noise() -> None:
    usual = Usual()
    for _ in range(10):
        usual.judge(1000, 40.0)
    assert usual.judge(1000, 31.0) is None
    assert usual.judge(1000, 29.0) is not None


def test_a_deeper_context_is_another_matter() -> None:
    usual = Usual()
    for _ in range(10):
        usual.judge(1000, 40.0)
    assert usual.judge(12_000, 20.0) is None
    assert usual.judge(1900, 20.0) is not None
    assert usual.judge(3, 40.0) is None
    assert usual.judge(500, 20.0) is not None, "below 512 tokens depth makes no difference"


def test_what_is_usual_changes_with_time() -> None:
    usual = Usual()
    for _ in range(10):
        usual.judge(1000, 40.0)
    for _ in range(REMEMBERED):
        usual.judge(1000, 20.0)
    assert usual.judge(1000, 20.0) is None

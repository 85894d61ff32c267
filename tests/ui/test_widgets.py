"""Pictures and lines, without an app."""

import pytest

from dmr_tui.ui.widgets.glyphs import ASCII, UNICODE, speaks_unicode
from dmr_tui.ui.widgets.lines import cut, fit, spread, width_of, wrapped
from dmr_tui.ui.widgets.pictures import bar, history, load_style, round_top


def test_history_has_one_fixed_scale() -> None:
    assert history([0.0, 50.0, 100.0], 3, 100.0) == ["▁▄█"]
    assert history([2.9, 3.1, 3.0], 3, 100.0) == ["▁▁▁"], "a flat line stays flat"


def test_a_gap_is_not_a_zero() -> None:
    assert history([0.0, None, 0.0], 3, 100.0) == ["▁ ▁"]


def test_history_stands_at_the_right() -> None:
    assert history([100.0], 4, 100.0) == ["   █"]


def test_history_of_several_rows() -> None:
    assert history([100.0, 50.0, 25.0, 0.0, None], 5, 100.0, rows=2) == ["█    ", "██▄▁ "]


def test_a_squeezed_history_does_not_dance() -> None:
    values = [float(number) for number in range(10)]
    before = history(values, 5, 10.0, end=99)[0]
    after = history([*values[1:], 10.0], 5, 10.0, end=100)[0]
    assert before[1:] == after[:-1] or before[-3:-1] == after[-4:-2]


def test_values_beyond_the_scale_stay_inside_the_picture() -> None:
    assert history([-5.0, 500.0], 2, 100.0) == ["▁█"]


@pytest.mark.parametrize(
    ("percent", "expected"),
    [
        (0.0, "░░░░"),
        (1.0, "█░░░"),
        (50.0, "██░░"),
        (100.0, "████"),
        (250.0, "████"),
        (None, "░░░░"),
    ],
)
def test_bars(percent: float | None, expected: str) -> None:
    assert bar(percent, 4) == expected


@pytest.mark.parametrize(
    ("value", "top"), [(0.0, 1.0), (0.3, 0.5), (38.0, 50.0), (50.0, 50.0), (812.0, 1000.0)]
)
def test_scales_end_at_round_numbers(value: float, top: float) -> None:
    assert round_top(value) == top


def test_load_has_thresholds_of_its_own() -> None:
    styles = [load_style(p, heavy=85, critical=95) for p in (None, 10.0, 90.0, 99.0)]
    assert styles == ["$faint", "$load-ok", "$load-heavy", "$load-critical"]


def test_fit_counts_cells_not_characters() -> None:
    assert fit("模型模型", 8) == "模型模型"
    assert fit("模型模型", 6) in {"模型…", "模型 …"}
    assert width_of([(fit("模型模型", 6), "")]) <= 6
    assert fit("ab", 4) == "ab  "
    assert fit("ab", 4, right=True) == "  ab"
    assert fit("abcdef", 4) == "abc…"


def test_spread_gives_way_at_the_left() -> None:
    assert "".join(t for t, _ in spread([("left", "")], [("right", "")], 12)) == "left   right"
    assert "".join(t for t, _ in spread([("a long left", "")], [("right", "")], 10)) == "a lo…right"


def test_without_utf8_the_signs_are_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    import locale

    monkeypatch.delenv("DMR_TUI_ASCII", raising=False)
    monkeypatch.setattr(locale, "getpreferredencoding", lambda _: "ANSI_X3.4-1968")
    assert not speaks_unicode()
    monkeypatch.setattr(locale, "getpreferredencoding", lambda _: "UTF-8")
    assert speaks_unicode()
    monkeypatch.setenv("DMR_TUI_ASCII", "1")
    assert not speaks_unicode()
    for name in ASCII.__dataclass_fields__:
        assert getattr(ASCII, name).isascii()
        assert len(getattr(ASCII, name)) == len(getattr(UNICODE, name))


def test_long_lines_are_broken_between_words() -> None:
    line = (("  label  ", "$label"), ("one two three four", "$value"))
    broken = ["".join(text for text, _ in row) for row in wrapped(line, 18, 9)]
    assert broken == ["  label  one two ", "         three ", "         four"]
    assert len(wrapped(line, 40, 9)) == 1


def test_a_word_longer_than_a_line_is_broken_too() -> None:
    line = (("  label  ", "$label"), ("sha256:" + "0123456789" * 2, "$value"))
    broken = ["".join(text for text, _ in row) for row in wrapped(line, 18, 9)]
    assert all(width_of([(row, "")]) <= 18 for row in broken)
    assert "".join(broken).replace(" ", "") == "labelsha256:" + "0123456789" * 2


@pytest.mark.parametrize(
    ("width", "left"),
    [
        (30, "qwen3 needs ~27.7 GiB"),
        (21, "qwen3 needs ~27.7 GiB"),
        (20, "qwen3 needs ~27.7…"),
        (17, "qwen3 needs…"),
        (4, "qwe…"),
    ],
)
def test_a_sentence_is_cut_between_words(width: int, left: str) -> None:
    assert cut("qwen3 needs ~27.7 GiB", width) == left

"""What would make room for a model."""

import pytest

from dmr_tui.machine.reading import Reading
from dmr_tui.measure.fit import LaunchConfig, MemoryEstimate, Verdict
from dmr_tui.state.memory import Fit
from dmr_tui.text.memory import listed, load_advice

NEED = MemoryEstimate(LaunchConfig(8192), Reading(2**30), Reading(0), Reading(0))
NAMES = {"a": "qwen3", "b": "phi4"}


@pytest.mark.parametrize(
    ("verdict", "facts", "ways"),
    [
        ("fits", {"largest_context": 8192, "unload": ()}, []),
        ("tight", {"largest_context": 4096}, ["load it with 4k of context"]),
        (
            "no room",
            {"unload": ("a", "b"), "largest_context": 4096},
            ["unload qwen3 and phi4", "load it with 4k of context"],
        ),
        ("no room", {"smaller": ((), 4096)}, ["load it with 4k of context"]),
        ("no room", {"smaller": (("a",), 4096)}, ["unload qwen3 and load it with 4k of context"]),
        ("no room", {}, ["free memory first"]),
        ("too big", {"alone": 4096}, ["free memory and load it with 4k of context"]),
        ("too big", {"alone": 8192, "largest_context": 4096}, ["load it with 4k of context"]),
        ("too big", {}, []),
    ],
)
def test_each_way(verdict: Verdict, facts: dict[str, object], ways: list[str]) -> None:
    fit = Fit(verdict, NEED, NEED, "packaged", **facts)  # type: ignore[arg-type]
    assert load_advice(fit, NAMES) == ways


def test_names_in_one_phrase() -> None:
    assert listed((), NAMES) == ""
    assert listed(("a",), NAMES) == "qwen3"
    assert listed(("a", "b", "sha256:c"), NAMES) == "qwen3, phi4 and sha256:c"

"""All checks together, and the gravest of them."""

from dataclasses import replace

import pytest

from dmr_tui.text.doctor.check import Check, Result
from dmr_tui.text.doctor.diagnosis import ORDER, diagnose, worst
from tests.text.doctor.facts import LOOKING, around, attempt, controller, engine, facts, named, seen
from tests.ui.still import snapshot


def test_checks_come_in_groups_and_each_group_once() -> None:
    checks = diagnose(seen(facts(snapshot(), engine(controller()), clock_known=True)))
    groups = list(dict.fromkeys(each.group for each in checks))
    assert groups == ["Where the runner is", "Docker", "The runner", "GPU", "The way to it"]
    order = [each.group for each in checks]
    assert order == sorted(order, key=groups.index)


def test_with_nothing_known_something_is_said() -> None:
    told = seen(facts(asked=False))
    assert told.doctor is not None
    told = replace(told, doctor=replace(told.doctor, surroundings=None))
    said = [(each.name, each.result) for each in diagnose(told)]
    assert said == [("localhost:12434", "note"), ("Engine", "unknown")]


@pytest.mark.parametrize(
    ("results", "gravest"),
    [
        ((), "unknown"),
        (("ok",), "ok"),
        (("ok", "note"), "note"),
        (("note", "unknown", "ok"), "unknown"),
        (("unknown", "warning"), "warning"),
        (("warning", "problem", "ok"), "problem"),
    ],
)
def test_the_gravest(results: tuple[Result, ...], gravest: Result) -> None:
    assert worst(Check("g", "n", each, "e") for each in results) == gravest
    assert set(results) <= set(ORDER)


def test_the_kind_of_installation_of_a_place_that_was_named() -> None:
    assert (
        facts(snapshot(attempts=(attempt("box"),)), places=named("box")).doctor.install
        == "elsewhere"
    )
    mac = facts(asked=False, places=LOOKING, surroundings=around(platform="macos"))
    assert mac.doctor.install == "desktop"

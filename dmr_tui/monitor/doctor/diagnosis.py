"""All checks in the order in which a person reads them."""

from collections.abc import Iterable

from dmr_tui.monitor.doctor.check import Check, Facts, Result
from dmr_tui.monitor.doctor.docker import find_docker
from dmr_tui.monitor.doctor.places import find_places, find_way
from dmr_tui.monitor.doctor.runner import find_runner

ORDER: tuple[Result, ...] = ("problem", "warning", "unknown", "note", "ok")


def diagnose(facts: Facts) -> tuple[Check, ...]:
    """Every check that can be made of `facts`; nothing is asked for it."""
    checks = (
        *find_places(facts),
        *find_docker(facts),
        *find_runner(facts),
        *find_way(facts),
    )
    return checks or (Check("The runner", "search", "unknown", "nothing is known yet"),)


def worst(checks: Iterable[Check]) -> Result:
    """The gravest result of all."""
    return min((check.result for check in checks), key=ORDER.index, default="unknown")

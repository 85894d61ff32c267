"""All checks in the order in which a person reads them."""

from collections.abc import Iterable

from dmr_tui.monitor.doctor.docker_checks import find_docker
from dmr_tui.monitor.doctor.facts import Facts
from dmr_tui.monitor.doctor.network_checks import find_places, find_way
from dmr_tui.monitor.doctor.runner_checks import find_runner
from dmr_tui.state.check import Check, Result

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

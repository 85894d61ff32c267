"""All checks in the order in which a user reads them."""

from collections.abc import Iterable

from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.doctor.check import Check, Facts, Result
from dmr_tui.text.doctor.docker_checks import find_docker
from dmr_tui.text.doctor.network_checks import find_places, find_way
from dmr_tui.text.doctor.runner_checks import RUNNER, find_runner
from dmr_tui.text.format import DEFAULT_UNITS, Units

ORDER: tuple[Result, ...] = ("problem", "warning", "unknown", "note", "ok")


def diagnose(snapshot: Snapshot, units: Units = DEFAULT_UNITS) -> tuple[Check, ...]:
    """Every check that can be made of what is known; none while the doctor does not look."""
    if snapshot.doctor is None:
        return ()
    facts = Facts(snapshot, snapshot.doctor, units)
    checks = (*find_places(facts), *find_docker(facts), *find_runner(facts), *find_way(facts))
    return checks or (RUNNER("search", "unknown", "nothing is known yet"),)


def worst(checks: Iterable[Check]) -> Result:
    """The gravest result of all."""
    return min((check.result for check in checks), key=ORDER.index, default="unknown")

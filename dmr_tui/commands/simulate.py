"""`dmr-tui simulate`: a Model Runner without models."""

import errno
import sys

from dmr_tui.simulator.engine.upstream import NoEngine
from dmr_tui.simulator.scenarios.scenarios import SCENARIOS
from dmr_tui.simulator.server import Simulator, run

USAGE, UNAVAILABLE = 64, 69


def run_simulate(
    port: int,
    scenario: str,
    seed: int,
    engine: str | None,
    cpus: int,
    models: int | None,
    *,
    show: bool,
) -> int:
    """Serve until interrupted, or (`show`) list the scenarios; returns the exit code."""
    if show:
        for name, each in SCENARIOS.items():
            print(f"{name:10} {each.description}")
        return 0
    try:
        simulator = Simulator(scenario, seed=seed, cpus=cpus, engine_url=engine, models=models)
        run(simulator, host="127.0.0.1", port=port)
    except ValueError as error:
        print(f"dmr-tui: {error}", file=sys.stderr)
        return USAGE
    except (OSError, NoEngine) as error:
        taken = getattr(error, "errno", None) == errno.EADDRINUSE
        why = f"port {port} is taken; --port 0 takes a free one" if taken else error
        print(f"dmr-tui: {why}", file=sys.stderr)
        return UNAVAILABLE
    return 0

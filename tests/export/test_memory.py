"""Memory in `dmr-tui status`: null where unknown, a reason beside it, no command line."""

import json
from dataclasses import replace

from dmr_tui.export.status_json import snapshot_json
from dmr_tui.export.status_page import as_page
from dmr_tui.machine.reading import Reading
from dmr_tui.measure.pressure_level import PressureLevel
from dmr_tui.monitor.memory.footprints import Footprints
from dmr_tui.monitor.memory.memory_monitor import Known, MemoryMonitor
from dmr_tui.state.alert import Alert, PressureHigh
from dmr_tui.state.memory import MemoryState
from dmr_tui.state.snapshot import MachineState, Snapshot
from tests.monitor.hardware import QWEN, card, computer, container, engine, user
from tests.ui.still import GIB, snapshot

SECRET = "--api-key=s3cret"
ALERT = Alert("pressure", "warning", PressureHigh(PressureLevel("high", "\x1b[31mtasks wait")))


def told() -> Snapshot:
    """One model loaded, and its memory joined."""
    arguments = ("-ngl", "999", "--ctx-size", "8192", SECRET)
    machine = computer(
        card(user(10, "llama-server", 6.0), user(20, "blender\x1b[2J", 9.0)),
        engines=(engine(10, QWEN, arguments=arguments),),
        container=container(limit=Reading(8 * GIB)),
    )
    still = replace(snapshot(), machine=MachineState(machine), alerts=(ALERT,))
    memory = MemoryMonitor(Footprints(), lambda: None).look(
        machine, Known(still.runner, still.models)
    )
    return replace(still, memory=memory)


def test_who_holds_memory_and_what_fits() -> None:
    said = json.loads(json.dumps(snapshot_json(told())))
    pool = said["memory"]["room"]
    assert (pool["kind"], pool["total"]) == ("VRAM", 24 * GIB)
    first = said["memory"]["holdings"][0]
    assert (first["model"], first["vram"]["value"]) == (QWEN, 6 * GIB)
    assert first["pids"] == [10]
    fits = {row["digest"]: row["fit"] for row in said["models"]}
    assert fits[QWEN]["verdict"] == "loaded"
    unknown = [fit for fit in fits.values() if fit["need"]["total"]["value"] is None]
    assert unknown
    assert all(fit["need"]["total"]["reason"] for fit in unknown)
    assert said["warnings"] == [
        {
            "key": "pressure",
            "level": "warning",
            "text": "Memory pressure is high: \x1b[31mtasks wait",
            "step": "see who holds it",
        }
    ]


def test_engines_and_container_without_a_command_line() -> None:
    text = json.dumps(snapshot_json(told()))
    assert SECRET not in text
    machine = json.loads(text)["machine"]
    (only,) = machine["engines"]
    assert (only["pid"], only["digest"]) == (10, QWEN)
    assert machine["container"]["limit"]["value"] == 8 * GIB
    assert machine["gpu"]["gpus"][0]["processes"]["value"][0]["pid"] == 10


def test_the_page_says_it_in_lines_that_steer_no_terminal() -> None:
    page = as_page(told())
    assert "of 24.0 GiB VRAM free" in page
    assert "qwen3:8B-Q4_K_M: 6.0 GiB VRAM" in page
    assert "warning  Memory pressure is high" in page
    assert "\x1b" not in page


def test_nothing_joined_yet() -> None:
    said = snapshot_json(snapshot())
    assert said["memory"] is None
    assert all(row["fit"] is None for row in said["models"])
    assert "memory  " not in as_page(snapshot())


def test_another_computer() -> None:
    elsewhere = MemoryState(pool=Reading(None, "the runner is on another machine"))
    said = snapshot_json(replace(snapshot(), memory=elsewhere))
    assert said["memory"]["room"] is None
    assert said["memory"]["room_reason"] == "the runner is on another machine"
    assert "the runner is on another machine" in as_page(replace(snapshot(), memory=elsewhere))

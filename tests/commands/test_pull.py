"""`dmr-tui pull`, run as a person runs it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dmr_tui.commands import pull
from dmr_tui.commands.demo_machine import SimulatedMachine
from dmr_tui.runner.discovery.places import Places
from dmr_tui.runner.endpoint import parse_host
from dmr_tui.settings.schema import Settings
from dmr_tui.simulator.server import Simulator, serve
from tests.commands.conftest import Run

NEW = "ai/qwen3:0.6B-Q4_K_M"
PHI4 = "ai/phi4:14B-Q4_K_M"
BIG = "ai/mistral-nemo:12B-Q4_K_M"


@pytest.fixture
def served() -> Iterator[tuple[str, Simulator]]:
    """A runner of its own, since a pull changes it."""
    simulator = Simulator("quiet")
    with serve(simulator) as url:
        yield url, simulator


def test_it_says_what_it_is_and_pulls_it(run: Run, served: tuple[str, Simulator]) -> None:
    url, simulator = served
    ended = run("--host", url, "pull", NEW, "--yes")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("qwen3:0.6B-Q4_K_M: ")
    assert "Q4_K_M" in ended.stdout
    assert "Model pulled successfully" in ended.stdout
    assert "100 %" in ended.stderr
    assert simulator.world.store.catalogue.resolve(NEW)


def test_as_json(run: Run, served: tuple[str, Simulator]) -> None:
    ended = run("--host", served[0], "pull", NEW, "--json", "--yes")
    told = [json.loads(line) for line in ended.stdout.splitlines()]
    assert told[0]["event"] == "found"
    assert told[0]["quantization"] == "Q4_K_M"
    assert told[-1]["event"] == "done"
    assert told[-1]["done_bytes"] == told[-1]["total_bytes"]


def test_what_nobody_has(run: Run, served: tuple[str, Simulator]) -> None:
    ended = run("--host", served[0], "pull", "ai/nothing:x")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "was not found" in ended.stderr


@pytest.mark.parametrize("name", ["../x", "a b", "-x"])
def test_what_is_no_name(run: Run, served: tuple[str, Simulator], name: str) -> None:
    ended = run("--host", served[0], "pull", "--", name)
    assert ended.returncode == 64
    assert "is no name of a model" in ended.stderr


def test_read_only_forbids_it(run: Run, served: tuple[str, Simulator]) -> None:
    ended = run("--host", served[0], "--read-only", "pull", NEW)
    assert ended.returncode == 64
    assert b"pulling model" not in served[1].world.log.text(True)


def test_without_a_runner(run: Run) -> None:
    ended = run("--host", "localhost:9", "pull", NEW)
    assert ended.returncode == 2
    assert "No runner answers" in ended.stderr


@pytest.mark.parametrize("yes", [False, True])
def test_what_does_not_fit_needs_a_yes(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    served: tuple[str, Simulator],
    yes: bool,
) -> None:
    url, simulator = served
    simulator.world.store.catalogue.delete(BIG, force=True)

    @contextmanager
    def chosen(settings: Settings, *, demo: bool) -> Iterator[tuple[Places, SimulatedMachine]]:
        yield Places((parse_host(url, "--host"),)), SimulatedMachine(simulator)

    monkeypatch.setattr(pull, "chosen", chosen)
    monkeypatch.setattr(simulator.world.gpu, "total", 2**32)
    simulator.world.store.pull_rate = 1e12
    code = pull.run_pull(Settings(), BIG, demo=False, as_json=False, yes=yes)
    said = capsys.readouterr()
    assert "too big" in said.out
    installed = any(model.name == BIG for model in simulator.world.store.catalogue)
    assert (code, installed) == ((0, True) if yes else (1, False))
    assert ("does not fit" in said.err) is not yes


def test_what_only_has_no_room_now_is_pulled_and_told_how_to_load(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    served: tuple[str, Simulator],
) -> None:
    url, simulator = served
    for name in (PHI4, BIG):
        simulator.world.store.catalogue.delete(name, force=True)
    simulator.world.store.pull_rate = 1e12

    @contextmanager
    def chosen(settings: Settings, *, demo: bool) -> Iterator[tuple[Places, SimulatedMachine]]:
        yield Places((parse_host(url, "--host"),)), SimulatedMachine(simulator)

    monkeypatch.setattr(pull, "chosen", chosen)
    simulator.unload_all()
    monkeypatch.setattr(simulator.world.gpu, "other", simulator.world.gpu.total - 4 * 2**30)
    for name in (PHI4, BIG):
        assert pull.run_pull(Settings(), name, demo=False, as_json=False, yes=False) == 0
        said = capsys.readouterr()
        assert "4.0 of 24.0 GiB VRAM free" in said.out
        assert "does not fit" not in said.err
        word, way = {
            PHI4: (": no room, ", "to load it: free memory first"),
            BIG: (": too big, ", "to load it: free memory and load it with 88.8k of context"),
        }[name]
        assert word in said.out
        assert way in said.out


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_it_goes_on_when_nobody_reads(
    tmp_path: Path, served: tuple[str, Simulator], words: tuple[str, ...]
) -> None:
    url, simulator = served
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run(
        [sys.executable, "-m", "dmr_tui", "--host", url, "pull", NEW, *words],
        env={**os.environ, "HOME": str(tmp_path)},
        stdout=write,
        stderr=subprocess.PIPE,
        timeout=60,
        text=True,
    )
    os.close(write)
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False)
    assert simulator.world.store.catalogue.resolve(NEW)

"""What the kernel, Docker and the commands of a Mac say, damaged: one figure costs itself."""

import json
import os
import plistlib
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dmr_tui.machine import processes
from dmr_tui.machine.cgroup import find_cgroup, read_cgroup
from dmr_tui.machine.container import ContainerReport, RunnerContainer
from dmr_tui.machine.gpu.amd import AmdProvider
from dmr_tui.machine.gpu.apple import AppleProvider
from dmr_tui.machine.gpu.gpu import GpuReport
from dmr_tui.machine.gpu.intel import IntelProvider
from dmr_tui.machine.gpu.macmon import vitals
from dmr_tui.machine.host import Host, HostProbe
from dmr_tui.machine.pressure import Pressure, PressureProbe
from dmr_tui.machine.probe import Machine
from tests.engine_stand_in import container
from tests.fuzz.damage import RAW, damaged_bytes, damaged_json
from tests.fuzz.shown import STILL, TRIES, check_types, show_machine
from tests.machine.cards import APU, ARC, BUILT_IN, BUILT_IN_ADDRESS, DGPU, write_card, write_user
from tests.machine.test_apple import INTEL_MAC, M4, VM_STAT, Mac
from tests.machine.test_container import V1, V2, Docker

CONTENTS = (
    *(b"", b"\n", b"\0", b"\xff\xfe\0\x80", b"-1", b"-9223372036854775808", b"nan", b"inf"),
    *(b"18446744073709551615", b"9" * 400, b"9" * 5_000, b"1e400", b"0x", b"0xffff", b" ", b":"),
    *(
        "\u0663\u00b2\u2167".encode(),
        b"9" * 5_000 + b" kB\n",
        b"a " * 5_000,
        b"1.5",
        b"max",
        b"1_0",
    ),
    *(b"\x1b[31m", b"x" * 100_000, b"\n" * 100_000, b"99999999999999999999 MiB", b"\xc2\xb2 KiB"),
)
"""What a file may hold instead."""
MACHINE = STILL.machine.machine
assert MACHINE is not None
LINUX: Host = MACHINE.host


def damage(file: Path, rng: random.Random) -> str:
    """Damage a file in one way, and return which."""
    content = file.read_bytes()
    way = rng.randrange(10)
    if way == 0:
        file.unlink()
        return f"{file} is gone"
    if way == 1:
        file.unlink()
        file.mkdir()
        return f"{file} is a folder"
    if way < 6:
        words = content.split(b" ")
        words[rng.randrange(len(words))] = rng.choice(CONTENTS)
        content = b" ".join(words)
    else:
        content = rng.choice(CONTENTS) if way < 8 else damaged_bytes(content, rng)
    file.write_bytes(content)
    return f"{file} says {content[:200]!r}"


def damaged_trees(tree: Path, seed: str, tries: int) -> Iterator[str]:
    """Damage one to three files of a tree, and put them back."""
    rng = random.Random(seed)
    files = sorted(each for each in tree.rglob("*") if each.is_file() and not each.is_symlink())
    contents = [each.read_bytes() for each in files]
    for _ in range(tries):
        chosen = rng.sample(range(len(files)), min(len(files), rng.choice((1, 1, 2, 3))))
        yield "; ".join([damage(files[each], rng) for each in chosen])
        for each in chosen:
            if files[each].is_dir():
                files[each].rmdir()
            files[each].write_bytes(contents[each])


def trials(
    read: Callable[[], object], show: Callable[[Any], None], damages: Iterator[str]
) -> list[object]:
    """What is read of each damage."""
    found: list[object] = []
    for said in damages:
        try:
            found.append(read())
            show(found[-1])
        except Exception as error:
            error.add_note(said)
            raise
    return found


def show_gpu(report: GpuReport) -> None:
    show_machine(Machine(LINUX, report))


@pytest.mark.skipif(os.name == "nt", reason="the tree has links, and names with colons")
@pytest.mark.parametrize(
    ("provider", "card", "address"),
    [
        (AmdProvider, DGPU, "0000:03:00.0"),
        (AmdProvider, APU, "0000:03:00.0"),
        (IntelProvider, ARC, "0000:03:00.0"),
        (IntelProvider, BUILT_IN, BUILT_IN_ADDRESS),
    ],
)
def test_damaged_files_of_a_card(
    tmp_path: Path, provider: Any, card: dict[str, str], address: str
) -> None:
    write_card(tmp_path, 0, card, address)
    write_user(tmp_path / "proc", 7, (address, 3, 2**30), (address, 4, 2**29))
    now = 0.0

    def read() -> GpuReport:
        nonlocal now
        now += 61.0
        reader = provider(tmp_path / "drm", tmp_path / "proc")
        reader.read()
        reader._users._clock = lambda: now
        report: GpuReport = reader.read()
        return report

    assert read().gpus
    found = trials(read, show_gpu, damaged_trees(tmp_path, address + str(len(card)), TRIES // 4))
    assert any(report.gpus for report in found)  # type: ignore[attr-defined]


@pytest.mark.skipif(os.name == "nt", reason="Linux only")
@pytest.mark.parametrize("version", [V1, V2])
def test_damaged_files_of_a_group_and_of_processes(tmp_path: Path, version: dict[str, str]) -> None:
    proc, root = tmp_path / "proc", tmp_path / "cgroup"
    one = version is V1
    group = root / ("memory/docker/x" if one else "docker/x")
    files = {group / name: content for name, content in version.items()}
    files[proc / "7" / "cgroup"] = "9:memory:/docker/x\n" if one else "0::/docker/x\n"
    files[proc / "7" / "status"] = "Name:\tx\nVmRSS:\t 30 kB\nRssAnon:\t 10 kB\nVmSwap:\t0 kB\n"
    files[proc / "vmstat"] = "pswpin 1\npswpout 2\noom_kill 3\n"
    line = "avg10=0.5 avg60=0.1 avg300=0.0 total=1\n"
    files[proc / "pressure" / "memory"] = f"some {line}full {line}"
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    seen = (("c" * 64, 7),)
    reader = RunnerContainer(lambda: seen, root=root, proc=proc)
    pressure = PressureProbe(proc=proc, platform="linux")

    def read() -> Machine:
        folder = find_cgroup(7, root, proc)
        if folder is not None:
            check_types(read_cgroup(folder))
        try:
            sizes = processes._status(proc, 7)
            assert all(0 <= size < 2**64 for size in sizes.values())
        except OSError:
            pass
        processes._container(proc, 7)
        host = replace(LINUX, pressure=pressure.read())
        return Machine(host, MACHINE.gpu, container=reader.read())  # type: ignore[union-attr]

    assert read().container.container is not None
    trials(read, show_machine, damaged_trees(tmp_path, str(len(version)), TRIES // 2))


def test_damaged_answers_of_docker(tmp_path: Path) -> None:
    rng = random.Random("docker")
    whole = {**container(health="healthy", Pid=7), "HostConfig": {"Memory": 2**33, "Devices": [{}]}}
    stats = {"memory_stats": {"stats": {"anon": 30, "shmem": 10, "file": 50}}}
    docker = Docker()
    now = 0.0

    def damages() -> Iterator[str]:
        nonlocal now
        for _ in range(TRIES):
            now += 100.0
            facts, told = (whole, damaged(stats)) if rng.random() < 0.3 else (damaged(whole), stats)
            docker.facts, docker.told = facts if isinstance(facts, dict) else {}, told
            yield f"{str(facts)[:2000]} {str(told)[:1000]}"

    def damaged(value: Any) -> Any:
        while True:
            try:
                return json.loads(damaged_json(value, rng))
            except (ValueError, RecursionError):
                # The SDK fails, which is another kind.
                continue

    def show(report: ContainerReport) -> None:
        show_machine(replace(MACHINE, container=report))  # type: ignore[type-var]

    reader = RunnerContainer(
        lambda: (), connect=lambda: docker, clock=lambda: now, root=tmp_path, proc=tmp_path
    )
    found = trials(reader.read, show, damages())
    known = [report for report in found if report.container is not None]  # type: ignore[attr-defined]
    # A wrong value costs itself, and not all that Docker says.
    assert len(known) > 0.9 * len(found)


def test_damaged_outputs_of_a_mac() -> None:
    rng = random.Random("mac")
    outputs = {
        "ioreg": [plistlib.dumps(each) for each in ([M4], INTEL_MAC)],
        "vm_stat": [VM_STAT.encode()],
        "sysctl": [b"17179869184\n15.7.7\n0\n", b"17179869184\n26.1\n12000\n", b"1\n"],
    }
    said = ""

    def run(command: Sequence[str]) -> str:
        nonlocal said
        name = command[0].rpartition("/")[2]
        output = rng.choice(outputs[name])
        kind = rng.random()
        if kind < 0.1:
            raise subprocess.CalledProcessError(1, list(command), output=None)
        if kind < 0.5:
            parts = output.split(b"\n")
            parts[rng.randrange(len(parts))] = rng.choice(CONTENTS)
            output = b"\n".join(parts)
        elif kind < 0.8:
            # Another value between two tags.
            parts = output.split(b">")
            at = rng.randrange(len(parts))
            other = rng.choice((rng.choice(CONTENTS), rng.choice(RAW).encode()))
            parts[at] = other + b"<" + parts[at].partition(b"<")[2]
            output = b">".join(parts)
        else:
            output = damaged_bytes(output, rng)
        said += f"{name}: {output[:1500]!r}\n"
        return output.decode("utf-8", "replace")

    def damages() -> Iterator[str]:
        nonlocal said
        for _ in range(TRIES):
            said = ""
            yield "a Mac"

    def read() -> Machine:
        gpu = AppleProvider(run).read()
        pressure: Pressure = PressureProbe(platform="darwin", run=run).read()
        used = HostProbe("darwin", run)._ram_used(LINUX.ram_used)
        return Machine(replace(LINUX, pressure=pressure, ram_used=used), gpu)

    assert AppleProvider(Mac()).read().gpus
    try:
        trials(read, show_machine, damages())
    except Exception as error:
        error.add_note(said)
        raise


def test_damaged_lines_of_macmon() -> None:
    rng = random.Random("macmon")
    line = {"temp": {"gpu_temp_avg": 41.5}, "gpu_usage": [338, 0.02], "gpu_power": 0.5}
    for _ in range(5 * TRIES):
        try:
            figures = json.loads(damaged_json(line, rng))
        except (ValueError, RecursionError):
            continue
        if isinstance(figures, dict):
            for reading in vitals(figures).values():
                check_types(reading)


@pytest.mark.skipif(shutil.which("printf") is None, reason="there is no printf")
def test_a_command_may_print_any_bytes() -> None:
    from dmr_tui.machine.pressure import run_command

    assert run_command(["printf", r"\377\000x"]) == "\ufffd\0x"

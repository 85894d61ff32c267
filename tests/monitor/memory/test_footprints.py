"""What loads took, remembered across restarts, whatever happens to the file."""

import os
import stat
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from dmr_tui.measure.fit import LaunchConfig
from dmr_tui.monitor.memory.footprints import KEPT, Footprints
from dmr_tui.state.memory import Footprint

GIB = 2**30
ONE = Footprint("sha256:aa", LaunchConfig(8192), 6 * GIB, "VRAM", "NVML", 100.0)


def again(path: Path) -> Footprints:
    loads = Footprints(path.parent)
    loads.read()
    return loads


def test_a_load_is_found_after_a_restart_by_context_and_cache_type(tmp_path: Path) -> None:
    path = tmp_path / "new" / "loads.json"
    loads = again(path)
    assert loads.put(ONE)
    loads.write()
    found = again(path)
    assert found.find("sha256:aa", LaunchConfig(8192, slots=4), "VRAM") == ONE
    for other in (
        LaunchConfig(4096),
        LaunchConfig(8192, key_type="q8_0"),
        LaunchConfig(8192, gpu_layers=3),
    ):
        assert found.find("sha256:aa", other, "VRAM") is None
    assert found.find("sha256:aa", LaunchConfig(8192), "RAM") is None
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_is_hardly_different_is_no_news() -> None:
    loads = Footprints()
    assert loads.put(ONE)
    assert not loads.put(replace(ONE, total=ONE.total + ONE.total // 100))
    assert loads.put(replace(ONE, weights=4 * GIB, total=ONE.total + 1))
    assert not loads.put(ONE), "what the engine itself said stays"
    assert loads.put(replace(ONE, total=2 * ONE.total))


def test_two_instances_keep_what_the_other_wrote(tmp_path: Path) -> None:
    path = tmp_path / "loads.json"
    first, second = again(path), again(path)
    first.put(ONE)
    first.write()
    second.put(replace(ONE, digest="sha256:bb"))
    second.write()
    found = again(path)
    assert found.find("sha256:aa", ONE.asked, "VRAM") is not None
    assert found.find("sha256:bb", ONE.asked, "VRAM") is not None


def test_a_damaged_file_is_told_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "loads.json"
    path.write_text('[{"digest": 7')
    loads = again(path)
    assert str(path) in loads.problem
    loads.put(ONE)
    loads.write()
    assert path.read_text() == '[{"digest": 7'


@pytest.mark.skipif(sys.platform == "win32", reason="folders are made read-only otherwise there")
def test_a_folder_that_cannot_be_written_is_told_and_forgets_nothing(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    loads = Footprints(blocked)
    loads.put(ONE)
    loads.write()
    assert "cannot be kept" in loads.problem
    assert loads.find("sha256:aa", ONE.asked, "VRAM") == ONE


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_leaves_the_file_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "loads.json"
    loads = again(path)
    loads.put(ONE)
    loads.write()
    before = path.read_bytes()
    real = os.fdopen

    def full(handle: int, mode: str):  # type: ignore[no-untyped-def]
        os.close(handle)
        return real(os.open("/dev/full", os.O_WRONLY), mode)

    monkeypatch.setattr(os, "fdopen", full)
    loads.put(replace(ONE, digest="sha256:bb"))
    loads.write()
    assert "No space left" in loads.problem
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["loads.json"]


def test_the_oldest_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "loads.json"
    loads = again(path)
    for number in range(KEPT + 5):
        loads.put(replace(ONE, digest=f"sha256:{number}", at=float(number)))
    loads.write()
    found = again(path)
    assert found.find("sha256:4", ONE.asked, "VRAM") is None
    assert found.find("sha256:5", ONE.asked, "VRAM") is not None


def test_a_load_of_nothing_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "loads.json"
    loads = again(path)
    loads.put(replace(ONE, total=-5))
    loads.write()
    assert again(path).find("sha256:aa", ONE.asked, "VRAM") is None

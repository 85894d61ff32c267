"""Engine processes: found by their command line, joined by digest, measured on this machine."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from dmr_tui.machine.processes import EngineProcess, EngineProcesses, digest_in_path
from tests.real_engine import real_engine
from tests.waiting import until_true

DIGEST = "a1" * 32
MIB = 2**20
HOLDS = """
import sys, time
held = bytearray(48 * 2**20)
for place in range(0, len(held), 4096):
    held[place] = 1
print("ready", flush=True)
time.sleep(600)
"""


@contextmanager
def process(tmp_path: Path, name: str, *words: str, code: str = HOLDS) -> Iterator[int]:
    """A Python process that looks like an engine, with 48 MiB of its own; gives its pid."""
    script = tmp_path / name
    script.write_text(code)
    running = subprocess.Popen([sys.executable, script, *words], stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    try:
        assert running.stdout.readline() == "ready\n"
        yield running.pid
    finally:
        family = [running, *psutil.Process(running.pid).children(recursive=True)]
        for each in family:
            each.kill()
        running.communicate()


def model_path(tmp_path: Path, digest: str = DIGEST) -> Path:
    folder = tmp_path / "bundles" / "sha256" / digest / "model"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "model.gguf"


def found(probe: EngineProcesses, pid: int) -> EngineProcess | None:
    return next((engine for engine in probe.read().engines if engine.pid == pid), None)


def of_folder(folder: Path) -> list[EngineProcess]:
    """The engines that this test started: others run tests of their own beside it."""
    engines = EngineProcesses().read().engines
    return [each for each in engines if any(str(folder) in word for word in each.arguments)]


def test_an_engine_is_found_with_its_model_and_what_it_holds(tmp_path: Path) -> None:
    words = ("-ngl", "999", "--model", str(model_path(tmp_path)), "--ctx-size", "2048")
    with process(tmp_path, "llama-server", *words) as pid:
        probe = EngineProcesses()
        engine = found(probe, pid)
        assert engine is not None
        assert engine.digest == f"sha256:{DIGEST}"
        assert (engine.backend, engine.mode) == ("llama.cpp", "completion")
        assert engine.arguments[-2:] == ("--ctx-size", "2048")
        assert engine.own.value is not None
        assert 48 * MIB <= engine.own.value < 150 * MIB
        assert engine.resident.value is not None
        assert engine.resident.value >= engine.own.value
        assert abs(engine.started_at - time.time()) < 60
        assert engine.container is None
        assert engine.cpu.value is None
        assert "second reading" in engine.cpu.reason
        again = found(probe, pid)
        assert again is not None
        assert again.cpu.value is not None
    assert found(probe, pid) is None, "it has ended"


@pytest.mark.parametrize(
    ("words", "mode"),
    [
        (("--embeddings",), "embedding"),
        (("--embeddings", "--reranking"), "reranking"),
        ((), "completion"),
    ],
)
def test_modes(tmp_path: Path, words: tuple[str, ...], mode: str) -> None:
    with process(tmp_path, "llama-server", "--model", str(model_path(tmp_path)), *words) as pid:
        engine = found(EngineProcesses(), pid)
        assert engine is not None
        assert engine.mode == mode


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("editor.py", ("/models/bundles/sha256/" + DIGEST + "/model/model.gguf",)),
        ("llama-server", ("--model", "/home/me/model.gguf")),
        ("shell.py", ("-c", f"llama-server --model /x/sha256/{DIGEST}/model.gguf")),
        ("shell.py", ("-c", f"cat /x/sha256/{DIGEST}/model | llama-server")),
    ],
)
def test_what_only_looks_like_an_engine_is_none(
    tmp_path: Path, name: str, words: tuple[str, ...]
) -> None:
    with process(tmp_path, name, *words) as pid:
        assert found(EngineProcesses(), pid) is None


def test_the_workers_of_vllm_count_with_it(tmp_path: Path) -> None:
    code = HOLDS.replace(
        'print("ready"',
        "import subprocess\n"
        "if '--worker' not in sys.argv:\n"
        "    child = subprocess.Popen([sys.executable, *sys.argv, '--worker'],"
        " stdout=subprocess.PIPE)\n"
        "    child.stdout.readline()\n"
        'print("ready"',
    )
    bundle = str(model_path(tmp_path).parent)
    with process(tmp_path, "vllm", "serve", bundle, code=code) as pid:
        engines = of_folder(tmp_path)
        assert [(engine.pid, engine.backend) for engine in engines] == [(pid, "vllm")]
        assert engines[0].own.value is not None
        assert engines[0].own.value >= 96 * MIB


def test_an_engine_that_starts_later_is_found(tmp_path: Path) -> None:
    probe = EngineProcesses()
    probe.read()
    with process(tmp_path, "llama-server", "--model", str(model_path(tmp_path))) as pid:
        assert found(probe, pid) is not None


def test_a_process_that_may_not_be_read_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(self: psutil.Process) -> list[str]:
        raise psutil.AccessDenied(self.pid)

    monkeypatch.setattr(psutil.Process, "cmdline", denied)
    report = EngineProcesses(proc=Path("/proc")).read()
    assert report.engines == ()
    assert report.reason.startswith("no right to see what ")


def test_hidden_processes_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        pytest.skip("of Linux")
    monkeypatch.setattr(psutil, "pids", lambda: [psutil.Process().pid])
    assert "hidepid" in EngineProcesses().read().reason


def test_a_tree_of_workers_counts_once(tmp_path: Path) -> None:
    """vLLM starts an engine core, which starts a worker for each GPU."""
    code = f"""
import os, time
generation = 0
while generation < 3 and not os.fork():
    generation += 1
{HOLDS.replace("print(", "generation or print(")}"""
    bundle = str(model_path(tmp_path).parent)
    with process(tmp_path, "vllm", "serve", bundle, code=code) as pid:
        until_true(lambda: len(psutil.Process(pid).children(recursive=True)) == 3)
        workers = psutil.Process(pid).children(recursive=True)
        until_true(lambda: all(w.memory_info().rss > 48 * MIB for w in workers))
        engines = of_folder(tmp_path)
        assert [engine.pid for engine in engines] == [pid]
        assert engines[0].own.value is not None
        assert engines[0].own.value >= 4 * 48 * MIB


def test_a_program_that_becomes_an_engine_is_found_then(tmp_path: Path) -> None:
    engine = tmp_path / "llama-server"
    engine.write_text(HOLDS)
    words = [sys.executable, str(engine), "--model", str(model_path(tmp_path))]
    wrapper = f"import os\nprint('ready', flush=True)\ninput()\nos.execv({words[0]!r}, {words!r})"
    running = subprocess.Popen(
        [sys.executable, "-c", wrapper], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert running.stdin is not None
    assert running.stdout is not None
    try:
        assert running.stdout.readline() == "ready\n"
        probe = EngineProcesses()
        assert found(probe, running.pid) is None
        running.stdin.write("go\n")
        running.stdin.flush()
        assert running.stdout.readline() == "ready\n"
        assert found(probe, running.pid) is not None
    finally:
        running.kill()
        running.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux")
def test_an_engine_that_ended_but_was_not_asked_how_holds_nothing(tmp_path: Path) -> None:
    script = tmp_path / "llama-server"
    script.write_text(HOLDS)
    words = [sys.executable, str(script), "--model", str(model_path(tmp_path))]
    running = subprocess.Popen(words, stdout=subprocess.PIPE)
    assert running.stdout is not None
    assert running.stdout.readline() == b"ready\n"
    probe = EngineProcesses()
    try:
        assert found(probe, running.pid) is not None
        running.kill()
        until_true(lambda: psutil.Process(running.pid).status() == psutil.STATUS_ZOMBIE)
        assert found(probe, running.pid) is None
    finally:
        running.kill()
        running.communicate()


STATUS = "Name:\tx\nVmRSS:\t  3000 kB\nRssAnon:\t 1000 kB\nRssFile:\t 1500 kB\n"


@pytest.mark.parametrize(
    ("status", "resident", "own", "swapped"),
    [
        (STATUS + "RssShmem:\t 500 kB\nVmSwap:\t 7 kB\n", 3000, 1500, 7),
        (STATUS, 2500, 1000, None),
        ("VmRSS:\t 3000 kB\nVmSwap:\t 7 kB\n", 3000, None, 7),
        ("VmRSS:\t 3000 kB\nRssAnon:\t[N/A]\nVmSwap:\n", 3000, None, None),
    ],
)
def test_what_a_kernel_does_not_tell_is_unknown(
    tmp_path: Path, status: str, resident: int, own: int | None, swapped: int | None
) -> None:
    with process(tmp_path, "llama-server", "--model", str(model_path(tmp_path))) as pid:
        folder = tmp_path / "proc" / str(pid)
        folder.mkdir(parents=True)
        (folder / "status").write_text(status)
        engine = found(EngineProcesses(proc=tmp_path / "proc"), pid)
    assert engine is not None
    assert engine.resident.value == resident * 1024
    assert engine.own.value == (None if own is None else own * 1024)
    assert engine.swapped.value == (None if swapped is None else swapped * 1024)
    assert own is not None or "kernel" in engine.own.reason


def test_elsewhere_psutil_tells_the_whole(tmp_path: Path) -> None:
    with process(tmp_path, "llama-server", "--model", str(model_path(tmp_path))) as pid:
        engine = found(EngineProcesses(proc=None), pid)
    assert engine is not None
    assert engine.own.value is not None
    assert engine.own.value > 48 * MIB
    assert engine.resident.value == engine.own.value
    assert engine.mapped.reason == "this system does not tell"


@pytest.mark.parametrize(
    ("program", "backend"),
    [
        ([r"C:\Program Files\Docker\com.docker.llama-server.exe"], "llama.cpp"),
        (["/Users/a b/.docker/model-runner/bin/com.docker.llama-server"], "llama.cpp"),
        ([r"C:\Python\python.exe", r"C:\a b\llama_server.py"], "llama.cpp"),
        (["/opt/sglang/bin/python3.12", "-m", "sglang.launch_server"], "sglang"),
        (["/Applications/Python.app/Contents/MacOS/Python", "-m", "mlx_lm.server"], "mlx"),
        (["/opt/llama-server-notes/vim"], None),
        (["sudo", "/usr/bin/llama-server"], None),
        (["timeout", "600", "vllm", "serve"], None),
        (["/bin/sh", "/usr/bin/llama-server"], None),
    ],
)
def test_the_program_is_told_from_what_starts_it(
    monkeypatch: pytest.MonkeyPatch, program: list[str], backend: str | None
) -> None:
    words = [*program, "--model", f"/m/sha256/{DIGEST}/model.gguf"]
    me = psutil.Process().pid
    monkeypatch.setattr(psutil, "pids", lambda: [1, me])
    monkeypatch.setattr(psutil.Process, "cmdline", lambda self: words if self.pid == me else ["x"])
    engines = EngineProcesses().read().engines
    assert [engine.backend for engine in engines] == ([backend] if backend else [])


@pytest.mark.parametrize(
    ("word", "digest"),
    [
        (f"/models/bundles/sha256/{DIGEST}/model/model.gguf", f"sha256:{DIGEST}"),
        (rf"C:\Users\me\bundles\sha256\{DIGEST}\model\model.gguf", f"sha256:{DIGEST}"),
        (f"/sha256/{DIGEST}ff/model", None),
        ("/sha256/abc/model.gguf", None),
    ],
)
def test_digests_in_paths(word: str, digest: str | None) -> None:
    assert digest_in_path(word) == digest


def test_a_real_engine_maps_its_weights(tmp_path: Path) -> None:
    folder = model_path(tmp_path).parent
    with real_engine(folder, embedding=512, blocks=8):
        (engine,) = of_folder(folder)
        assert engine.backend == "llama.cpp"
        if sys.platform == "linux":
            size = (folder / "tiny-random.gguf").stat().st_size
            assert engine.mapped.value is not None
            assert engine.mapped.value >= 0.9 * size > 20 * MIB
            assert engine.own.value

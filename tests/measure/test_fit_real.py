"""The formulas against a real llama.cpp that loads models of five shapes and says what it took."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dmr_tui.machine.reading import Reading
from dmr_tui.measure.architecture import read_architecture
from dmr_tui.measure.fit import LaunchConfig, MemoryPool, estimate_memory
from dmr_tui.monitor.log.engine_log import EngineLog
from dmr_tui.runner.logs.log_event import LoadStarted
from dmr_tui.runner.logs.log_line import read_line
from dmr_tui.state.engine_facts import EngineFacts

pytest.importorskip("xllamacpp", reason="xllamacpp has no wheel for this platform")
pytest.importorskip("gguf")

from tests.engine_model import write_model
from tests.engine_shapes import (
    header,
    weight_bytes,
    write_encoder,
    write_latent,
    write_recurrent,
    write_sliding,
)

MIB = 2**20
DIGEST = "sha256:" + "c" * 64
RAM = Reading(MemoryPool("RAM", 64 * 2**30, 60 * 2**30))
LOAD = """
import sys, threading
import xllamacpp
params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.verbosity = int(sys.argv[6])
params.n_ctx = int(sys.argv[2])
params.n_parallel = int(sys.argv[3])
params.kv_unified = sys.argv[4] == "shared"
params.embedding = sys.argv[5] == "embedding"
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
if len(sys.argv) > 7:
    kind = getattr(xllamacpp.ggml_type, sys.argv[7])
    params.cache_type_k = params.cache_type_v = kind
params.hostnames = ["127.0.0.1"]
params.port = 0
server = xllamacpp.Server(params)
threading.Event().wait()
"""


def loaded(
    path: Path, asked: LaunchConfig, mode: str = "chat", kind: str = "", verbosity: int = 4
) -> EngineFacts:
    """What the engine said of the load, read as from the runner's log."""
    cache = "shared" if asked.unified else "apart"
    words = (str(asked.context), str(asked.slots), cache, mode, str(verbosity))
    command = [sys.executable, "-c", LOAD, str(path), *words, *([kind] if kind else [])]
    log = EngineLog()
    log.take(LoadStarted(1.0, "llama.cpp", DIGEST, None))
    said = printed(command)
    for line in said:
        event = read_line(f'[2026-11-23T11:17:42.8Z] time=x level=INFO msg="{line}"\n')
        if event is not None:
            log.take(event)
    facts = log.facts.get(DIGEST)
    assert facts is not None, said[-40:]
    assert facts.weights is not None, said[-40:]
    return facts


def printed(command: list[str]) -> list[str]:
    """The engine's lines up to the one that ends the load: it prints them behind its own back."""
    lines = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as engine:
        end = threading.Timer(100.0, engine.kill)
        end.start()
        for line in engine.stdout or ():
            lines.append(line.rstrip("\n"))
            if ": model loaded" in line:
                break
        end.cancel()
        engine.kill()
    return lines


def near(measured: int | None, estimate: int | None, percent: float = 5.0) -> bool:
    """Whether both are within so many per cent, or within what two decimals of a MiB can tell."""
    assert measured is not None
    assert estimate is not None
    return abs(measured - estimate) <= max(percent / 100.0 * measured, 0.02 * MIB)


def check(path: Path, facts: EngineFacts, asked: LaunchConfig) -> None:
    architecture = read_architecture(header(path), None)
    assert architecture.value is not None, architecture.reason
    estimate = estimate_memory(architecture, Reading(weight_bytes(path)), asked, RAM)
    assert near(facts.weights, estimate.weights.value), (facts, estimate)
    assert near(facts.cache or 0, estimate.cache.value), (facts, estimate)
    # A bert's layers have no gate, and a mamba's are of another kind, which no header tells.
    percent = 80.0 if architecture.value.architecture in {"bert", "mamba"} else 5.0
    assert near(facts.compute, estimate.compute.value, percent), (facts, estimate)


def dense(tmp_path: Path, *, causal: bool = True) -> Path:
    return write_model(
        tmp_path / "dense.gguf",
        context=8192,
        embedding=256,
        blocks=6,
        heads=4,
        kv_heads=2,
        feed_forward=1024,
        causal=causal,
    )


@pytest.mark.parametrize(
    ("context", "slots", "unified"),
    [(4096, 1, False), (8192, 4, True), (8192, 4, False), (300, 1, False)],
)
def test_grouped_query_attention(tmp_path: Path, context: int, slots: int, unified: bool) -> None:
    path, asked = dense(tmp_path), LaunchConfig(context, slots=slots, unified=unified)
    check(path, loaded(path, asked), asked)


@pytest.mark.parametrize(
    ("context", "slots", "unified"), [(8192, 1, False), (16384, 4, True), (16384, 2, False)]
)
def test_sliding_windows(tmp_path: Path, context: int, slots: int, unified: bool) -> None:
    path = write_sliding(tmp_path / "sliding.gguf", context=16384, window=1024, blocks=12)
    asked = LaunchConfig(context, slots=slots, unified=unified)
    check(path, loaded(path, asked), asked)


def test_latent_attention(tmp_path: Path) -> None:
    path, asked = write_latent(tmp_path / "latent.gguf", context=8192, blocks=6), LaunchConfig(8192)
    facts = loaded(path, asked)
    assert facts.cache is not None
    assert facts.cache > MIB
    check(path, facts, asked)


def test_recurrent_state(tmp_path: Path) -> None:
    path = write_recurrent(tmp_path / "recurrent.gguf", context=8192, blocks=6)
    asked = LaunchConfig(8192, slots=4, unified=False)
    facts = loaded(path, asked)
    assert facts.cache is not None
    assert facts.cache > MIB
    check(path, facts, asked)


def test_an_encoder(tmp_path: Path) -> None:
    path = write_encoder(tmp_path / "encoder.gguf", context=512, blocks=6)
    asked = LaunchConfig(512, unified=False)
    facts = loaded(path, asked, "embedding")
    assert not facts.cache
    check(path, facts, asked)


def test_a_decoder_that_looks_both_ways(tmp_path: Path) -> None:
    path, asked = dense(tmp_path, causal=False), LaunchConfig(8192, unified=False)
    facts = loaded(path, asked, "embedding")
    assert facts.cache
    check(path, facts, asked)


def test_a_quantized_cache(tmp_path: Path) -> None:
    path = dense(tmp_path)
    asked = LaunchConfig(8192, key_type="q8_0", value_type="q8_0", unified=False)
    check(path, loaded(path, asked, kind="GGML_TYPE_Q8_0"), asked)


def test_the_trial_of_an_engine_that_tells_everything(tmp_path: Path) -> None:
    path, asked = dense(tmp_path), LaunchConfig(8192, unified=False)
    # What -v means to a llama-server, the one way in which the runner lets it say all this.
    check(path, loaded(path, asked, verbosity=2**31 - 1), asked)

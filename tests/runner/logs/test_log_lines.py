"""The lines of a real log, as events and taken apart; cut and broken ones too."""

import random
import time
from typing import Any

import pytest
from msgspec import structs

from dmr_tui.runner.logs.log_event import (
    BufferAllocated,
    ConfigurationKept,
    Configuring,
    DecodeTimed,
    DeviceSummed,
    EngineExited,
    ErrorLine,
    Evicted,
    EvictingForRoom,
    LayersOffloaded,
    Listening,
    Loaded,
    LoadFailed,
    LoadStarted,
    LogEvent,
    ModelRequested,
    NothingToUnload,
    OllamaOptions,
    OutOfMemory,
    PromptTimed,
    RunnerStarted,
    RunnerStopping,
    SlotsReady,
    TaskCancelled,
    TaskLaunched,
    TaskReleased,
    Unloaded,
)
from dmr_tui.runner.logs.log_line import parse_line, read_line
from tests.recorded import recorded

TINY = "sha256:6b2404074c575d7e3705cef045147e5e9e5c98913a28d63b0da565148f05413e"
MID = "sha256:984bca8e2fb43f669259d237b63dd8aa71d2416e345a3ec716a1c8b98b9bbb38"
STAMP = "[2026-11-22T22:41:18.328180453Z] time=2026-11-22T22:41:18.328Z"
AT = pytest.approx(1795387278.328180453, abs=1e-5)
LINES = [
    line
    for name in ("v1.2.6/logs", "v1.2.6/logs-follow")
    for line in recorded(name).body.split("\n")[:-1]
]


def service(rest: str, level: str = "INFO") -> LogEvent | None:
    """The event of a line of the service."""
    return read_line(f"{STAMP} level={level} {rest}")


def engine(message: str) -> LogEvent | None:
    """The event of what an engine printed."""
    return read_line(f'{STAMP} level=INFO msg="{message}"')


def told(*kinds: type) -> list[LogEvent]:
    """The recorded events of these kinds."""
    lines = recorded("v1.2.6/logs-follow").body.split("\n")
    events = [event for line in lines if (event := read_line(line)) is not None]
    return [event for event in events if isinstance(event, kinds)]


def test_a_recorded_log_tells_loads_and_unloads() -> None:
    events = told(LoadStarted, SlotsReady, Loaded, Listening, Unloaded)
    load = (LoadStarted, SlotsReady, Loaded, Listening)
    assert [type(event) for event in events] == [*load, *load, Unloaded, *load, Unloaded]
    started, slots, loaded, listening = events[:4]
    assert isinstance(started, LoadStarted)
    assert (started.backend, started.digest, started.context_size) == ("llama.cpp", TINY, 2048)
    assert (started.mode, started.address) == ("completion", "inference-runner-0.sock")
    assert isinstance(slots, SlotsReady)
    assert (slots.slots, slots.context) == (1, 2048)
    assert isinstance(loaded, Loaded)
    assert 0.07 < loaded.at - started.at < 0.08
    assert isinstance(listening, Listening)
    assert listening.address == "unix://inference-runner-0.sock"
    assert isinstance(events[8], Unloaded)
    assert (events[8].digest, events[8].mode, events[8].model) == (MID, "completion", "ai/mid:F32")


def test_the_lines_of_one_engine_know_when_it_began() -> None:
    first, second, third = told(Listening)
    for listening, distance in ((first, 0.0), (second, 41.3), (third, 48.5)):
        assert isinstance(listening, Listening)
        assert isinstance(first, Listening)
        assert listening.born is not None
        assert first.born is not None
        assert listening.born - first.born == pytest.approx(distance, abs=0.1)
    launches = told(TaskLaunched)
    assert isinstance(launches[0], TaskLaunched)
    assert isinstance(first, Listening)
    assert launches[0].born == pytest.approx(first.born, abs=0.01)


def test_a_recorded_log_tells_what_the_slots_did() -> None:
    of_task = [
        event
        for event in told(TaskLaunched, PromptTimed, DecodeTimed, TaskReleased)
        if getattr(event, "task", None) == 17
    ]
    launched, prompt, decode, released = of_task
    assert isinstance(launched, TaskLaunched)
    assert isinstance(prompt, PromptTimed)
    assert isinstance(decode, DecodeTimed)
    assert isinstance(released, TaskReleased)
    assert (prompt.slot, prompt.ms, prompt.tokens) == (0, 17.03, 651)
    assert (decode.slot, decode.ms, decode.tokens) == (0, 4.37, 8)
    assert released.tokens == 666
    assert launched.at < prompt.at < decode.at < released.at
    cancelled = [event.task for event in told(TaskCancelled) if isinstance(event, TaskCancelled)]
    assert cancelled == [53, 301, 317]


def test_a_progress_line_is_no_timing() -> None:
    text = "0.03.556.755 I slot print_timing: id  0 | task 0 | n_gen =    208, tg =  68.68 t/s"
    assert engine(f"{text}, tg_3s =  69.01 t/s") is None
    total = "0.04.955.238 I slot print_timing: id  0 | task 0 |       total time =    4476.61 ms"
    assert engine(f"{total} /   331 tokens") is None


@pytest.mark.parametrize(
    ("rest", "event"),
    [
        ('msg="Successfully initialized store" component=model-manager', RunnerStarted(AT)),
        ('msg="Shutdown signal received"', RunnerStopping(AT)),
        (
            f'msg="Loading backend runner" backend=llama.cpp model={TINY} mode=embedding',
            ModelRequested(AT, TINY, "embedding"),
        ),
        (
            f'msg="Backend runner initialization failed" backend=llama.cpp model={TINY} '
            'mode=completion error="llama.cpp terminated unexpectedly: \\"x\\"\\nmore"',
            LoadFailed(AT, TINY, "completion", 'llama.cpp terminated unexpectedly: "x"\nmore'),
        ),
        (
            'msg="Backend running model exited with error" backend=llama.cpp model=ai/x '
            'error="llama.cpp terminated unexpectedly: llama.cpp exit status: signal: killed"',
            EngineExited(
                AT,
                "ai/x",
                "llama.cpp terminated unexpectedly: llama.cpp exit status: signal: killed",
            ),
        ),
        (
            f'msg="Evicting backend runner" backend=llama.cpp model={TINY} modelRef=ai/tiny:Q4 '
            "mode=completion",
            Unloaded(AT, TINY, "completion", "ai/tiny:Q4"),
        ),
        (
            f'msg="Evicting backend runner for uninstall" backend=vllm model={TINY} '
            "modelRef=ai/x mode=completion",
            Unloaded(AT, TINY, "completion", "ai/x", uninstalled=True),
        ),
        ('msg="Evicting to make room" runners=1 loading=1 slots=2', EvictingForRoom(AT, 2)),
        ('msg="Evicted runner(s)" count=2', Evicted(AT, 2)),
        (
            f'msg="No unused runner found" backend="" model={TINY} mode="\\x01"',
            NothingToUnload(AT, TINY),
        ),
        (
            f'msg="Configuring runner" backend=llama.cpp model={TINY}',
            Configuring(AT, TINY, ""),
        ),
        (
            'msg="Configuring runner" backend=llama.cpp model=ai/nope',
            Configuring(AT, None, "ai/nope"),
        ),
        (
            'msg="configureModel: configuring model" model=ai/tiny:Q4',
            OllamaOptions(AT, "ai/tiny:Q4"),
        ),
        (
            f'msg="Runner configuration unchanged" backend=llama.cpp model={TINY}',
            ConfigurationKept(AT),
        ),
        ('msg="Listing available models" component=model-manager', None),
        ('msg="Removed records for model" component=openai-recorder', None),
        ('msg="Something new" component=x error="out of memory"', None),
    ],
)
def test_what_the_service_says(rest: str, event: LogEvent | None) -> None:
    assert service(rest) == event


def test_an_error_of_the_service_names_the_model_and_nothing_private() -> None:
    rest = 'msg="failed to get model" component=x error="model not found" reference=ai/nope'
    assert service(rest, "ERROR") == ErrorLine(
        AT, "failed to get model: model not found", "ai/nope"
    )
    rest = 'msg="Matching request not found for model" id=x model=ai/x response="a secret"'
    assert service(rest, "ERROR") == ErrorLine(AT, "Matching request not found for model", "ai/x")


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("0.00.350.123 E srv          main: exiting due to model loading error", LoadFailed),
        ("0.00.1 E srv main: exiting due to model loading error", LoadFailed),
        ("main: exiting due to model loading error", LoadFailed),
        (
            "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 4096.00 MiB on device 0: "
            "cudaMalloc failed: out of memory",
            OutOfMemory,
        ),
        ("0.00.1.2 x", type(None)),
        ("0.00.350.123 E alloc_tensor_range: failed to allocate CUDA0 buffer", OutOfMemory),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate", OutOfMemory),
        ("0.00.350.123 E srv    send_error: task id = 53, error: too long", ErrorLine),
        ("0.00.350.123 E slot update_slots: id  0 | task 3 | failed to decode", ErrorLine),
        ("0.00.350.123 W srv          init: security: no API key is set", type(None)),
        ("(APIServer pid=12) INFO:     Application startup complete.", Listening),
        ("slot launch_slot_: id  0 | task 4 | processing task", TaskLaunched),
        ("main: model loaded", Loaded),
        (
            "slot      release: id  1 | task 4 | stop processing: n_past = 39, truncated = 0",
            TaskReleased,
        ),
    ],
)
def test_what_engines_say(message: str, kind: type) -> None:
    event = engine(message)
    assert type(event) is kind
    if event is not None:
        assert event.at == AT


@pytest.mark.parametrize(
    ("arguments", "mode", "context", "address"),
    [
        ("--host a.sock --ctx-size 8192 --jinja", "completion", 8192, "a.sock"),
        ("--host a.sock --embeddings --ctx-size -1 --jinja", "embedding", -1, "a.sock"),
        ("--host a.sock --embeddings --reranking --jinja", "reranking", None, "a.sock"),
        ("serve /x --uds b.sock --runner pooling", "embedding", None, "b.sock"),
        ("--host 127.0.0.1 --port 30001", "completion", None, "127.0.0.1:30001"),
    ],
)
def test_the_arguments_of_an_engine(
    arguments: str, mode: str, context: int | None, address: str
) -> None:
    event = service(f'msg="backend args" backend=llama.cpp args="[{arguments}]"')
    assert isinstance(event, LoadStarted)
    assert (event.mode, event.context_size, event.address) == (mode, context, address)


def test_other_lines_tell_nothing() -> None:
    for line in ("", "garbage \x00 n_ctx_slot", 'msg="Listing available models"', "args="):
        assert read_line(line) is None


def numbers(event: Any) -> dict[str, float]:
    """The numbers in an event, besides its times."""
    values = structs.asdict(event)
    return {
        name: value
        for name, value in values.items()
        if name not in {"at", "born"} and isinstance(value, int | float)
    }


def test_a_line_that_is_cut_tells_no_wrong_number() -> None:
    many = [
        line.replace("n_slots = 1,", "n_slots = 16,")
        .replace("id  0 |", "id 10 |")
        .replace("runners=2 loading=0", "runners=12 loading=10")
        for line in LINES
    ]
    checked = 0
    for line in {line[12:]: line for line in (*LINES, *many)}.values():
        whole = read_line(line)
        for length in range(len(line)):
            cut = read_line(line[:length])
            parse_line(line[:length])
            if cut is None:
                continue
            assert type(cut) is type(whole), line[:length]
            assert numbers(cut).items() <= numbers(whole).items(), line[:length]
            checked += 1
    assert checked > 1000


def test_no_line_raises_whatever_is_in_it() -> None:
    chance = random.Random(7)
    pieces = ["\x00", "\xff", "\ufffd", '"', "\\", "\\u00", "\\ud800", "\\xff", "=", "[", "9" * 400]
    pieces += ["٣", "\U0001f600", "\r", "\x1b[2J", "Z]", " msg=", 'msg="', "99:99:99"]
    for _ in range(20_000):
        line = list(chance.choice(LINES))
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(line))
            line[place : place + chance.randint(0, 30)] = chance.choice(pieces)
        text = "".join(line)
        read_line(text)
        parse_line(text)
    for _ in range(2000):
        noise = chance.randbytes(300).decode("utf-8", "replace")
        assert read_line(noise) is None
        assert parse_line(noise).level == ""
    for stamp in ("2026-99-99T99:99:99.1Z", "2026-02-30T00:00:00Z", "0000-01-01T00:00:00Z"):
        assert read_line(f'[{stamp}] level=INFO msg="Shutdown signal received"') == RunnerStopping(
            0.0
        )
        assert parse_line(f"[{stamp}] x").at == 0.0


def test_every_recorded_line_can_be_read() -> None:
    for line in LINES:
        read = parse_line(line)
        assert read.at > 1.7e9
        assert read.level in {"info", "warn", "error"}
        assert "time=" not in read.text
        assert "level=" not in read.text
        assert ("I slot" in line or "W slot" in line) <= (read.source == "engine")
        assert (" component=" in line) <= (read.source == "runner")


def test_a_line_of_the_service_taken_apart() -> None:
    (line,) = {line[31:] for line in LINES if "Failed to configure runner" in line}
    read = parse_line(f"{STAMP[:32]} {line}")
    assert (read.level, read.source, read.digest, read.model) == (
        "warn",
        "runner",
        MID,
        "ai/mid:F32",
    )
    assert read.text == (
        f"Failed to configure runner backend=llama.cpp model=ai/mid:F32 modelID={MID} "
        'error="runner already active"'
    )


def test_a_line_of_an_engine_taken_apart() -> None:
    lines = [parse_line(line) for line in LINES if "cancel task, id_task = 301" in line]
    assert {(line.level, line.source, line.text) for line in lines} == {
        ("warn", "engine", "srv          stop: cancel task, id_task = 301")
    }
    load = next(parse_line(line) for line in LINES if "loading model '" in line)
    assert (load.source, load.digest) == ("engine", TINY)
    arguments = next(parse_line(line) for line in LINES if "backend args" in line)
    assert (arguments.source, arguments.digest) == ("runner", TINY)
    python = parse_line(f'{STAMP} level=INFO msg="(EngineCore pid=7) WARNING 11-22 [x.py:1] slow"')
    assert (python.level, python.source) == ("warn", "engine")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"a \"b\" \\ c", 'a "b" \\ c'),
        (r"one\ntwo\tthree\r", "one\ntwo\tthree\r"),
        (r"\x1b[2J \u202e \U0001f600", "\x1b[2J \u202e \U0001f600"),
        (r"bytes \xff\xfe, surrogate \ud800, \q", r"bytes \xff\xfe, surrogate \ud800, \q"),
        (r"cut \u12", r"cut \u12"),
    ],
)
def test_quotes_are_taken_off_as_go_puts_them_on(written: str, meant: str) -> None:
    assert parse_line(f'{STAMP} level=ERROR msg="{written}"').text == meant
    error = parse_line(f'{STAMP} level=ERROR msg=x error="{written}"')
    assert error.text == f'x error="{meant}"'


def test_lines_that_are_not_the_runners_own_form() -> None:
    raw = parse_line("[2026-11-22T22:41:18.328180453Z] CUDA error: out of memory")
    assert (raw.at, raw.level, raw.source) == (AT, "", "engine")
    assert raw.text == "CUDA error: out of memory"
    bare = parse_line("  some words\r\n")
    assert (bare.at, bare.level, bare.text) == (0.0, "", "  some words")
    plain = parse_line("time=2026-11-22T23:41:18.328+01:00 level=DEBUG msg=word")
    assert plain.at == pytest.approx(1795387278.328, abs=1e-5)
    assert (plain.level, plain.text) == ("debug", "word")


def test_it_is_quick() -> None:
    lines = [line for line in LINES if read_line(line) is None] * 200
    spent = []
    for _ in range(5):
        began = time.perf_counter()
        for line in lines:
            read_line(line)
        spent.append((time.perf_counter() - began) / len(lines))
    # A tenth of that on an idle machine; what must not come back is a regex for each line.
    assert min(spent) < 10e-6
    huge = "a[" * 2_000_000
    began = time.perf_counter()
    read_line(huge)
    parse_line(f'{STAMP} level=INFO msg="{huge}')
    assert time.perf_counter() - began < 1.0


def engine_says(text: str) -> LogEvent | None:
    stamp = "[2026-11-23T11:17:42.831537875Z] time=2026-11-23T11:17:42.831Z level=INFO"
    return read_line(f'{stamp} msg="0.00.005.442 I {text}"\n')


@pytest.mark.parametrize(
    ("part", "device", "name", "kind", "mib"),
    [
        ("load_tensors", "CPU_Mapped", "model", "weights", 145.53),
        ("load_tensors", "CUDA0", "model", "weights", 4403.49),
        ("llama_kv_cache", "CPU", "KV", "cache", 12.0),
        ("llama_kv_cache_init", "CUDA0", "KV", "cache", 448.0),
        ("llama_kv_cache_unified", "Metal", "KV", "cache", 144.0),
        ("llama_memory_recurrent", "CUDA0", "RS", "cache", 19.0),
        ("sched_reserve", "CUDA0", "compute", "compute", 304.75),
        ("llama_context", "CUDA_Host", "compute", "compute", 16.01),
        ("llama_context", "CPU", " output", "output", 0.58),
    ],
)
def test_buffers_of_an_engine(part: str, device: str, name: str, kind: str, mib: float) -> None:
    event = engine_says(f"{part}: {device:>10} {name} buffer size = {mib:8.2f} MiB")
    assert isinstance(event, BufferAllocated)
    assert (event.device, event.kind) == (device, kind)
    assert event.size == round(mib * 2**20)
    assert event.born is not None


def test_layers_on_the_gpu() -> None:
    event = engine_says("load_tensors: offloaded 20/33 layers to GPU")
    assert isinstance(event, LayersOffloaded)
    assert (event.layers, event.of) == (20, 33)


@pytest.mark.parametrize(
    ("row", "device", "sizes"),
    [
        (
            "|   - CUDA0 (RTX 5090) | 32111 = 31605 + (18058 = 16386 + 1024 +  648) + -17552 |",
            "CUDA0",
            (16386, 1024, 648),
        ),
        (
            "|   - Host             |                  1234 =   682 +    0 +  552           |",
            "Host",
            (682, 0, 552),
        ),
    ],
)
@pytest.mark.parametrize("name", ["common_memory_breakdown_print", "llama_memory_breakdown_print"])
def test_the_table_of_an_engines_memory(
    name: str, row: str, device: str, sizes: tuple[int, int, int]
) -> None:
    event = engine_says(f"{name}: {row}")
    assert isinstance(event, DeviceSummed)
    told = tuple(size // 2**20 for size in (event.weights, event.cache, event.compute))
    assert (event.device, told) == (device, sizes)


@pytest.mark.parametrize(
    "text",
    [
        "common_memory_breakdown_print: | memory breakdown [MiB] | total   free    self   model |",
        "llama_kv_cache: size =   12.00 MiB (  8192 cells,   6 layers,  1/1 seqs), K (f16)",
        "load_tensors: CUDA0 model buffer size = lots",
        "offloaded everything",
    ],
)
def test_lines_about_memory_that_tell_nothing_of_their_own(text: str) -> None:
    assert engine_says(text) is None

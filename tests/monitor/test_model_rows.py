"""One row for each model, however it is called."""

from datetime import UTC, datetime

import msgspec
import pytest

from dmr_tui.monitor.model_rows import Installed, Loaded, configs_by_model
from dmr_tui.runner.wire import Configured, Model, RunnerConfig, Running
from dmr_tui.state.engine_facts import EngineFacts
from dmr_tui.state.model_row import Context, ModelRow
from tests.recorded import recorded

TINY = "sha256:6b2404074c575d7e3705cef045147e5e9e5c98913a28d63b0da565148f05413e"
MID = "sha256:984bca8e2fb43f669259d237b63dd8aa71d2416e345a3ec716a1c8b98b9bbb38"
USED = datetime(2026, 11, 22, 22, 41, 18, tzinfo=UTC)


def installed(name: str = "v1.2.6/models") -> Installed:
    return Installed(msgspec.json.decode(recorded(name).body, type=list[Model]))


def running(name: str, mode: str = "completion", **more: object) -> Running:
    entry = {"backend_name": "llama.cpp", "model_name": name, "mode": mode, "last_used": USED}
    return msgspec.convert({**entry, **more}, Running)


def row(rows: tuple[ModelRow, ...], key: str) -> ModelRow:
    return next(row for row in rows if row.key == key)


def test_what_is_installed() -> None:
    tiny, mid = sorted(installed().rows(), key=lambda row: row.size_bytes or 0)
    assert (tiny.name, tiny.ref) == ("tiny:Q4", "ai/tiny:Q4")
    assert (tiny.parameters, tiny.quantization, tiny.size_text) == (122_560, "F32", "478.75KiB")
    assert tiny.context == Context(trained=2048, packaged=2048)
    assert mid.context == Context(trained=8192, packaged=4096)
    assert tiny.runs == mid.runs == ()


@pytest.mark.parametrize(
    "name", ["ai/tiny:Q4", "tiny:Q4", "docker.io/ai/tiny:Q4", TINY, TINY[7:], TINY[7:19]]
)
def test_a_loaded_model_joins_its_installed_one_by_any_name(name: str) -> None:
    rows = installed().rows(Loaded(ps=[running(name)]))
    assert len(rows) == 2
    assert [run.state for run in row(rows, TINY).runs] == ["idle"]


def test_the_order_of_ps_does_not_matter() -> None:
    one, two = running("ai/tiny:Q4"), running("ai/mid:F32", in_use=True)
    models = installed()
    assert models.rows(Loaded(ps=[one, two])) == models.rows(Loaded(ps=[two, one]))


def test_several_modes_of_one_model_are_one_row() -> None:
    both = [running("ai/mid:F32", "embedding"), running("ai/mid:F32", in_use=True)]
    runs = row(installed().rows(Loaded(ps=both)), MID).runs
    assert [(run.mode, run.state) for run in runs] == [
        ("completion", "busy"),
        ("embedding", "idle"),
    ]


def test_what_joins_nothing_is_shown_as_it_is() -> None:
    rows = installed().rows(Loaded(ps=[running("ai/removed:1")]))
    stranger = row(rows, "ai/removed:1")
    assert (stranger.name, stranger.model, stranger.size_bytes) == ("removed:1", None, None)
    assert len(rows) == 3


def test_an_idle_model_unloads_five_minutes_after_its_last_use() -> None:
    (run,) = row(installed().rows(Loaded(ps=[running("tiny:Q4")])), TINY).runs
    assert run.unloads_at == USED.timestamp() + 300.0


def test_keep_alive_moves_the_unloading_and_the_runners_clock_is_minded() -> None:
    entry = running("tiny:Q4", keep_alive="1m30s")
    (run,) = row(installed().rows(Loaded(ps=[entry], clock_offset=10.0)), TINY).runs
    assert run.unloads_at == USED.timestamp() + 90.0 - 10.0


def test_a_negative_keep_alive_never_unloads() -> None:
    (run,) = row(installed().rows(Loaded(ps=[running("tiny:Q4", keep_alive="-1")])), TINY).runs
    assert run.never_unloads
    assert run.unloads_at is None


def test_busy_and_loading_have_a_start_and_no_end() -> None:
    zero = datetime(1, 1, 1, tzinfo=UTC)
    entries = [
        running("tiny:Q4", in_use=True, last_used=zero),
        running("ai/mid:F32", loading=True, last_used=zero),
    ]
    since = {("tiny:Q4", "completion"): 1000.0, ("ai/mid:F32", "completion"): 2000.0}
    rows = installed().rows(Loaded(ps=entries, since=since, clock_offset=1.0))
    (busy,), (loading,) = row(rows, TINY).runs, row(rows, MID).runs
    assert (busy.state, busy.since, busy.unloads_at) == ("busy", 999.0, None)
    assert (loading.state, loading.since, loading.unloads_at) == ("loading", 1999.0, None)


def test_context_windows_each_from_its_source() -> None:
    config = msgspec.json.decode(
        recorded("v1.2.6/configure-show-after").body, type=list[Configured]
    )
    loaded = Loaded(
        ps=[running("ai/mid:F32")],
        facts={MID: EngineFacts(1.0, context=2048, slots=4)},
        request_contexts={MID: 9999},
        configured=config,
    )
    context = row(installed().rows(loaded), MID).context
    assert context == Context(
        trained=8192,
        packaged=4096,
        configured=2048,
        effective=2048,
        effective_source="engine log",
        slots=4,
    )


def test_without_a_log_the_config_of_the_last_call_is_the_next_best_source() -> None:
    loaded = Loaded(ps=[running("ai/mid:F32")], request_contexts={MID: 4096})
    context = row(installed().rows(loaded), MID).context
    assert (context.effective, context.effective_source) == (4096, "config of its last call")


@pytest.mark.parametrize(("mode", "more"), [("embedding", {}), ("completion", {"loading": True})])
def test_no_effective_context_for_a_model_that_does_not_chat_yet(
    mode: str, more: dict[str, object]
) -> None:
    loaded = Loaded(
        ps=[running("ai/mid:F32", mode, **more)], facts={MID: EngineFacts(1.0, context=2048)}
    )
    assert row(installed().rows(loaded), MID).context.effective is None


def test_two_names_of_one_model_are_one_row_with_the_first_name() -> None:
    tags = ["docker.io/ai/tiny:Q4_K_M", "docker.io/ai/tiny:latest", "hf.co/someone/tiny:Q4"]
    (found,) = Installed([msgspec.convert({"id": TINY, "tags": tags}, Model)]).rows()
    assert (found.name, found.ref) == ("tiny:Q4_K_M", "ai/tiny:Q4_K_M")
    assert list(found.tags) == tags


@pytest.mark.parametrize(
    ("architecture", "gguf", "embedding"),
    [
        ("nomic-bert", {}, True),
        ("bert", {}, True),
        ("qwen3", {"qwen3.pooling_type": "3"}, True),
        ("qwen3", {"qwen3.pooling_type": "0"}, False),
        ("llama", {}, False),
    ],
)
def test_embedding_models_are_known(
    architecture: str, gguf: dict[str, str], embedding: bool
) -> None:
    entry = {"id": TINY, "config": {"architecture": architecture, "gguf": gguf}}
    (found,) = Installed([msgspec.convert(entry, Model)]).rows()
    assert found.embedding is embedding


@pytest.mark.parametrize(
    "entry",
    [
        {"id": TINY},
        {"id": TINY, "tags": None, "config": {}},
        {"id": TINY, "config": {"size": "unknown", "parameters": "many", "gguf": {"a": 1}}},
        {"id": "not a digest", "tags": ["docker.io/ai/[red]x[/y]:latest"]},
    ],
)
def test_models_that_tell_little_are_shown_with_what_they_tell(entry: dict[str, object]) -> None:
    (found,) = Installed([msgspec.convert(entry, Model)]).rows()
    assert found.name
    assert found.size_bytes is None
    assert found.context == Context()


@pytest.mark.parametrize("turned", [False, True])
def test_the_configuration_of_a_model_is_that_of_its_chats(turned: bool) -> None:
    def configured(mode: str, context: int) -> Configured:
        return Configured("llama.cpp", "ai/x", "sha256:1", mode, RunnerConfig(context))

    both = [configured("completion", 8192), configured("embedding", 512)]
    found = configs_by_model(reversed(both) if turned else both)
    assert found["sha256:1"].config.context_size == 8192

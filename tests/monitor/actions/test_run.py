"""Loading and unloading through a monitor: a simulated runner, and every way in which it fails."""

import threading

import pytest

from dmr_tui.monitor.actions.run import ON_ITS_OWN, merged
from dmr_tui.simulator.server import Simulator
from dmr_tui.simulator.service.runner_config import RunnerConfig
from dmr_tui.simulator.service.runner_process import Key
from dmr_tui.state.alert import ConfigLost
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.plan import (
    ConfigurePlan,
    LoadPlan,
    Plan,
    Progress,
    RemovePlan,
    TagPlan,
    UnloadPlan,
    UntagPlan,
)
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.plans import steps_of
from tests.monitor.conftest import Watch, Watched
from tests.waiting import until_true

QWEN, SMALL = "qwen3:8B-Q4_K_M", "smollm2:360M-Q4_K_M"
BIG, NOMIC = "mistral-nemo:12B-Q4_K_M", "nomic-embed-text-v1.5:F16"
GEMMA = "gemma3:4B-Q4_K_M"
GIB = 2**30


class Carried:
    """A plan under way, and the pictures of it."""

    def __init__(self, here: Watched, plan: Plan) -> None:
        self.seen: list[Progress] = []
        self.texts = steps_of(plan)
        self._ended = threading.Event()
        self.stop = here.monitor.run_plan(plan, self._take)

    def _take(self, progress: Progress) -> None:
        self.seen.append(progress)
        if progress.ended:
            self._ended.set()

    def until_running(self, text: str) -> None:
        """Until the step that begins with `text` is under way."""
        (step,) = (n for n, each in enumerate(self.texts) if each.startswith(text))
        until_true(lambda: any(progress.steps[step] == "running" for progress in self.seen))

    @property
    def end(self) -> Progress:
        """How it ended."""
        assert self._ended.wait(20), self.seen[-1:]
        return self.seen[-1]


def ready(watched: Watched) -> Watched:
    watched.until(lambda s: s.models and s.source("runners").health == "ok")
    return watched


def row(snapshot: Snapshot, name: str) -> ModelRow:
    return next(each for each in snapshot.models if each.name == name)


def load(here: Watched, name: str, unload: tuple[str, ...] = (), **more: object) -> LoadPlan:
    wanted = row(here.now, name)
    others = tuple((row(here.now, each).key, each) for each in unload)
    mode = "embedding" if wanted.embedding else "completion"
    return LoadPlan(name, wanted.ref, wanted.key, mode, others, **more)  # type: ignore[arg-type]


def unload(here: Watched, name: str) -> UnloadPlan:
    return UnloadPlan(name, row(here.now, name).key)


def is_idle(snapshot: Snapshot, name: str) -> bool:
    return any(run.state == "idle" for run in row(snapshot, name).runs)


def states(progress: Progress) -> list[str]:
    return list(progress.steps)


def keep_busy(here: Watched, name: str) -> None:
    """A call that ends when the test does."""
    messages = [{"role": "user", "content": "Count."}]
    body = {"model": f"ai/{name}", "messages": messages, "max_tokens": 8000}
    here.simulator.send(body)
    here.until(lambda s: any(run.state == "busy" for run in row(s, name).runs), "busy")


def config_of(here: Watched, name: str) -> dict[str, object]:
    """What the runner has stored for it."""
    digest, configs = row(here.now, name).key, here.simulator.world.loader.configs
    return next((config.shown() for key, config in configs.items() if key.digest == digest), {})


def test_unloading_frees_the_model(watch: Watch) -> None:
    here = ready(watch("quiet"))
    end = Carried(here, unload(here, QWEN)).end
    assert (states(end), end.failure, end.stopped) == (["done"], None, False)
    here.until(lambda s: not row(s, QWEN).runs)
    assert not here.simulator.world.loader.runners


def test_a_model_that_is_gone_already_is_as_good_as_unloaded(watch: Watch) -> None:
    here = ready(watch("quiet"))
    end = Carried(here, unload(here, SMALL)).end
    assert (states(end), end.failure) == (["done"], None)


def test_a_busy_model_is_not_unloaded_and_nothing_is_loaded_in_its_place(watch: Watch) -> None:
    here = ready(watch("quiet"))
    keep_busy(here, QWEN)
    end = Carried(here, load(here, SMALL, unload=(QWEN,))).end
    assert states(end) == ["failed", "waiting"]
    assert end.failure is not None
    assert end.failure.what == f"{QWEN} was not unloaded: it is busy"
    assert end.failure.step
    assert len(here.simulator.world.loader.runners) == 1


def test_one_model_makes_room_for_another(watch: Watch) -> None:
    here = ready(watch("quiet"))
    carried = Carried(here, load(here, SMALL, unload=(QWEN,)))
    assert states(carried.end) == ["done", "done"]
    assert [states(progress) for progress in carried.seen] == [
        ["running", "waiting"],
        ["done", "waiting"],
        ["done", "running"],
        ["done", "done"],
        ["done", "done"],
    ]
    here.until(lambda s: is_idle(s, SMALL) and not row(s, QWEN).runs)


def test_a_smaller_context_is_what_the_engine_then_has(watch: Watch) -> None:
    here = ready(watch("quiet"))
    carried = Carried(here, load(here, SMALL, context=1024, cache_type="q8_0", slots=2))
    end = carried.end
    assert (states(end), end.failure) == (["done", "done"], None)
    assert carried.texts[0] == f"configure {SMALL}: context 1,024, KV cache q8_0, 2 slots"
    now = here.until(lambda s: row(s, SMALL).context.effective)
    assert row(now, SMALL).context.configured == 1024
    assert row(now, SMALL).context.slots == 2
    commands = [runner.command for runner in here.simulator.world.loader.runners.values()]
    assert any("q8_0" in command for command in commands)


def test_what_was_configured_before_stays(watch: Watch) -> None:
    simulator = Simulator("idle")
    here = ready(watch(simulator))
    assert config_of(here, QWEN) == {"context-size": 8192, "keep_alive": "30m0s"}
    assert Carried(here, load(here, QWEN, slots=3)).end.failure is None
    assert config_of(here, QWEN) == {
        "context-size": 8192,
        "keep_alive": "30m0s",
        "runtime-flags": ["--parallel", "3"],
    }
    assert Carried(here, load(here, QWEN, cache_type="q4_0")).end.failure is None
    assert config_of(here, QWEN)["runtime-flags"] == [
        *("--parallel", "3", "--cache-type-k", "q4_0", "--cache-type-v", "q4_0"),
    ]


STORED = {
    "context-size": 4096,
    "runtime-flags": ["--no-mmap", "-np", "2", "-c", "512", "--cache-type-k=q8_0", "-v"],
    "keep_alive": "-1",
    "something": {"new": [1, 2]},
}


@pytest.mark.parametrize(
    ("asked", "changed"),
    [
        (
            {"context": 1024},
            {
                "context-size": 1024,
                "runtime-flags": ["--no-mmap", "-np", "2", "--cache-type-k=q8_0", "-v"],
            },
        ),
        (
            {"slots": 4},
            {
                "runtime-flags": [
                    *("--no-mmap", "-c", "512", "--cache-type-k=q8_0", "-v", "--parallel", "4"),
                ]
            },
        ),
        (
            {"cache_type": "f16"},
            {"runtime-flags": ["--no-mmap", "-np", "2", "-c", "512", "-v"]},
        ),
        (
            {"cache_type": "q4_0"},
            {
                "runtime-flags": [
                    *("--no-mmap", "-np", "2", "-c", "512", "-v"),
                    *("--cache-type-k", "q4_0", "--cache-type-v", "q4_0"),
                ]
            },
        ),
    ],
)
def test_only_what_is_asked_changes(asked: dict[str, object], changed: dict[str, object]) -> None:
    plan = LoadPlan("x", "ai/x", "sha256:1", **asked)  # type: ignore[arg-type]
    assert merged(STORED, plan) == STORED | changed


def test_no_flags_are_left_behind() -> None:
    stored = {"runtime-flags": ["-ctk", "q8_0", "-ctv", "q8_0"]}
    assert merged(stored, LoadPlan("x", "ai/x", "sha256:1", cache_type="f16")) == {}


def test_what_does_not_fit_fails_with_its_reason(watch: Watch) -> None:
    simulator = Simulator("quiet")
    simulator.world.gpu.other = 17 * GIB
    here = ready(watch(simulator))
    end = Carried(here, load(here, BIG)).end
    assert (states(end), end.stopped) == (["failed"], False)
    assert end.failure is not None
    assert end.failure.kind == "out of memory"


def test_what_was_unloaded_stays_so_if_the_load_fails(watch: Watch) -> None:
    simulator = Simulator("quiet")
    simulator.world.gpu.other = 23 * GIB
    here = ready(watch(simulator))
    end = Carried(here, load(here, BIG, unload=(QWEN,), context=2048)).end
    assert states(end) == ["done", "done", "failed"]
    here.until(lambda s: not row(s, QWEN).runs)


def test_a_load_is_stopped_by_hanging_up(watch: Watch) -> None:
    here = ready(watch("quiet"))
    carried = Carried(here, load(here, BIG))
    carried.until_running("load")
    until_true(lambda: here.simulator.world.loader.loading)
    carried.stop()
    end = carried.end
    assert (states(end), end.stopped, end.failure, end.note) == (["failed"], True, None, "")
    until_true(lambda: not here.simulator.world.loader.loading, "the load ends")
    assert len(here.simulator.world.loader.runners) == 1


def test_what_was_configured_is_loaded_even_if_it_is_stopped(watch: Watch) -> None:
    here = ready(watch("quiet"))
    carried = Carried(here, load(here, BIG, context=2048))
    carried.until_running("load")
    carried.stop()
    end = carried.end
    assert (states(end), end.stopped) == (["done", "failed"], True)
    assert end.note == ON_ITS_OWN
    here.until(lambda s: is_idle(s, BIG), "loaded after all")


def test_stopping_what_has_ended_does_nothing(watch: Watch) -> None:
    here = ready(watch("quiet"))
    carried = Carried(here, unload(here, QWEN))
    end = carried.end
    carried.stop()
    here.monitor.kick()
    here.until(lambda s: not row(s, QWEN).runs)
    assert carried.seen[-1] is end


def test_a_model_that_just_loads_is_neither_unloaded_nor_configured(watch: Watch) -> None:
    here = ready(watch("quiet"))
    first = Carried(here, load(here, GEMMA))
    until_true(lambda: here.simulator.world.loader.loading)
    refused = Carried(here, load(here, GEMMA, context=1024)).end
    assert states(refused) == ["failed", "waiting"]
    assert refused.failure is not None
    assert refused.failure.what == f"{GEMMA} is just being loaded"
    still = Carried(here, unload(here, GEMMA)).end
    assert still.failure is not None
    assert still.failure.what == f"{GEMMA} is just being loaded"
    assert first.end.failure is None
    assert config_of(here, GEMMA) == {}


def test_a_busy_model_is_not_configured(watch: Watch) -> None:
    here = ready(watch("quiet"))
    keep_busy(here, QWEN)
    end = Carried(here, load(here, QWEN, context=1024)).end
    assert states(end) == ["failed", "waiting"]
    assert end.failure is not None
    assert end.failure.kind == "busy"


def test_the_words_of_a_refusal_are_kept(watch: Watch) -> None:
    simulator = Simulator("quiet")
    here = ready(watch(simulator))
    # As if a runner of before had allowed it.
    key = Key("llama.cpp", row(here.now, SMALL).key, "completion")
    simulator.world.loader.configs[key] = RunnerConfig(runtime_flags=("--lora", "x"))
    end = Carried(here, load(here, SMALL, context=1024)).end
    assert states(end) == ["failed", "waiting"]
    assert end.failure is not None
    assert end.failure.detail == 'runtime flag "--lora" is not allowed for backend "llama.cpp"'
    assert end.failure.detail in end.failure.cause
    assert config_of(here, SMALL) == {"runtime-flags": ["--lora", "x"]}


def test_a_runner_that_is_gone(watch: Watch) -> None:
    here = ready(watch("quiet"))
    plan = load(here, SMALL, unload=(QWEN,))
    here.simulator.stop_listening()
    end = Carried(here, plan).end
    assert states(end) == ["failed", "waiting"]
    assert end.failure is not None
    assert end.failure.kind == "unreachable"


def test_an_embedding_model(watch: Watch) -> None:
    here = ready(watch("quiet"))
    assert Carried(here, load(here, NOMIC)).end.failure is None
    now = here.until(lambda s: row(s, NOMIC).runs)
    assert [run.mode for run in row(now, NOMIC).runs] == ["embedding"]


def test_an_old_runner(watch: Watch) -> None:
    simulator = Simulator("quiet", version="v1.0.0")
    here = ready(watch(simulator))
    end = Carried(here, load(here, SMALL, unload=(QWEN,), context=1024)).end
    assert (states(end), end.failure) == (["done", "done", "done"], None)
    assert config_of(here, SMALL) == {"context-size": 1024}


def test_nothing_is_done_in_read_only_mode(watch: Watch) -> None:
    here = ready(watch("quiet", read_only=True))
    end = Carried(here, load(here, SMALL, unload=(QWEN,), context=1024)).end
    assert states(end) == ["waiting", "waiting", "waiting"]
    assert end.failure is not None
    assert "read-only" in end.failure.what.lower()
    assert len(here.simulator.world.loader.runners) == 1
    assert config_of(here, SMALL) == {}


def test_the_steps_in_words() -> None:
    plan = LoadPlan("a", "ai/a", "sha256:1", unload=(("sha256:2", "b"),), context=8192, slots=1)
    assert steps_of(plan) == ["unload b", "configure a: context 8,192, 1 slot", "load a"]
    assert steps_of(UnloadPlan("a", "sha256:1")) == ["unload a"]


def configure(here: Watched, name: str, config: dict[str, object]) -> ConfigurePlan:
    wanted = row(here.now, name)
    before = config_of(here, name) or {}
    return ConfigurePlan(name, wanted.ref, wanted.key, "completion", config, before)


def test_a_whole_configuration_is_replaced(watch: Watch) -> None:
    here = ready(watch("quiet"))
    config = {"context-size": 2048, "keep_alive": "10m0s"}
    assert states(Carried(here, configure(here, SMALL, config)).end) == ["done"]
    assert config_of(here, SMALL) == config


def test_what_changed_since_it_was_shown_is_not_overwritten(watch: Watch) -> None:
    simulator = Simulator("quiet")
    here = ready(watch(simulator))
    plan = configure(here, SMALL, {"context-size": 2048})
    key = Key("llama.cpp", row(here.now, SMALL).key, "completion")
    simulator.world.loader.configs[key] = RunnerConfig(context_size=512)
    end = Carried(here, plan).end
    assert states(end) == ["failed"]
    assert "somebody else" in end.failure.what  # type: ignore[union-attr]
    assert config_of(here, SMALL) == {"context-size": 512}


def test_a_busy_model_names_who_keeps_it(watch: Watch) -> None:
    here = ready(watch("quiet"))
    keep_busy(here, QWEN)
    here.until(lambda s: s.in_flight)
    caller = here.now.in_flight[0].caller
    for plan in (unload(here, QWEN), configure(here, QWEN, {"context-size": 2048})):
        end = Carried(here, plan).end
        assert end.failure is not None
        assert end.failure.kind == "busy"
        assert caller in end.failure.cause


def test_a_lost_configuration_is_told_and_set_again(watch: Watch) -> None:
    simulator = Simulator("quiet")
    here = ready(watch(simulator))
    key = Key("llama.cpp", row(here.now, SMALL).key, "completion")
    simulator.world.loader.configs[key] = RunnerConfig(4096, ("--temp", "0"))
    here.monitor.kick()
    here.until(lambda s: row(s, SMALL).context.configured == 4096)
    del simulator.world.loader.configs[key]
    here.monitor.kick()
    here.until(lambda s: any(isinstance(alert.fact, ConfigLost) for alert in s.alerts))
    (lost,) = here.now.lost
    name, ref = SMALL, row(here.now, SMALL).ref
    plan = ConfigurePlan(name, ref, lost.digest, lost.mode, lost.config, dict(lost.now), again=True)
    assert states(Carried(here, plan).end) == ["done"]
    assert config_of(here, SMALL) == {"context-size": 4096, "runtime-flags": ["--temp", "0"]}
    here.monitor.kick()
    here.until(lambda s: not s.lost)


def test_all_are_unloaded_and_what_is_configured_stays(watch: Watch) -> None:
    simulator = Simulator("idle")
    here = ready(watch(simulator))
    loaded = [each for each in here.now.models if each.runs]
    before = dict(simulator.world.loader.configs)
    assert len(loaded) == 2
    assert before
    first, *others = [(each.key, each.name) for each in loaded]
    assert states(Carried(here, UnloadPlan(first[1], first[0], tuple(others))).end) == [
        "done",
        "done",
    ]
    here.until(lambda s: not any(each.runs for each in s.models))
    assert dict(simulator.world.loader.configs) == before


def test_another_name_and_then_the_whole_model_goes(watch: Watch) -> None:
    here = ready(watch("quiet"))
    wanted = row(here.now, SMALL)
    assert states(Carried(here, TagPlan(SMALL, wanted.ref, "ai/little", "v1")).end) == ["done"]
    here.until(lambda s: any("little" in str(m.model and m.model.tags) for m in s.models))
    only_name = UntagPlan(SMALL, "ai/little:v1", wanted.key, (SMALL,))
    assert states(Carried(here, only_name).end) == ["done"]
    here.until(lambda s: not any("little" in str(m.model and m.model.tags) for m in s.models))
    assert any(each.key == wanted.key for each in here.now.models)
    Carried(here, TagPlan(SMALL, wanted.ref, "ai/little", "v1")).end  # noqa: B018
    whole = RemovePlan(SMALL, wanted.ref, wanted.key, names=(SMALL, "little:v1"), size="1MiB")
    assert states(Carried(here, whole).end) == ["done"]
    here.until(lambda s: all(each.key != wanted.key for each in s.models))


def test_a_name_that_became_the_last_is_not_taken_away(watch: Watch) -> None:
    """With it the runner would delete the model."""
    here = ready(watch("quiet"))
    wanted = row(here.now, SMALL)
    end = Carried(here, UntagPlan(SMALL, wanted.ref, wanted.key, ("little:v1",))).end
    assert end.failure is not None
    assert "has no other name by now" in end.failure.what
    assert here.simulator.world.store.catalogue.resolve(wanted.ref).digest == wanted.key
    gone = Carried(here, UntagPlan(SMALL, "ai/little:v1", wanted.key, (SMALL,))).end
    assert gone.failure is not None
    assert "has this name no more" in gone.failure.what
    other = row(here.now, QWEN)
    assert states(Carried(here, TagPlan(QWEN, other.ref, "ai/little", "v1")).end) == ["done"]
    theirs = Carried(here, UntagPlan(SMALL, "ai/little:v1", wanted.key, (SMALL,))).end
    assert theirs.failure is not None
    assert "has this name no more" in theirs.failure.what
    assert here.simulator.world.store.catalogue.resolve("ai/little:v1").digest == other.key


def test_a_loaded_model_is_unloaded_before_it_is_removed(watch: Watch) -> None:
    here = ready(watch("quiet"))
    wanted = row(here.now, QWEN)
    plan = RemovePlan(QWEN, wanted.ref, wanted.key, loaded=True, names=(QWEN,), size="1MiB")
    assert states(Carried(here, plan).end) == ["done", "done"]
    here.until(lambda s: all(each.key != wanted.key for each in s.models))


@pytest.mark.parametrize("which", ["configure", "tag", "remove"])
def test_read_only_changes_nothing(watch: Watch, which: str) -> None:
    here = ready(watch("quiet", read_only=True))
    wanted = row(here.now, SMALL)
    plan = {
        "configure": configure(here, SMALL, {"context-size": 2048}),
        "tag": TagPlan(SMALL, wanted.ref, "ai/little", "v1"),
        "remove": RemovePlan(SMALL, wanted.ref, wanted.key, names=(SMALL,), size="1MiB"),
    }[which]
    end = Carried(here, plan).end
    assert end.failure is not None
    assert "ead-only" in f"{end.failure.what} {end.failure.cause}"
    assert config_of(here, SMALL) in (None, {})
    assert here.simulator.world.store.catalogue.resolve(wanted.ref).digest == wanted.key


def test_what_is_configured_away_here_is_not_lost(watch: Watch) -> None:
    simulator = Simulator("quiet")
    here = ready(watch(simulator))
    key = Key("llama.cpp", row(here.now, SMALL).key, "completion")
    simulator.world.loader.configs[key] = RunnerConfig(4096, ("--temp", "0"))
    here.monitor.kick()
    here.until(lambda s: row(s, SMALL).context.configured == 4096)
    plan = configure(here, SMALL, {"context-size": 2048})
    assert states(Carried(here, plan).end) == ["done"]
    here.until(lambda s: row(s, SMALL).context.configured == 2048)
    assert here.now.lost == ()


def test_a_model_that_is_gone_has_lost_nothing(watch: Watch) -> None:
    simulator = Simulator("quiet")
    here = ready(watch(simulator))
    wanted = row(here.now, SMALL)
    key = Key("llama.cpp", wanted.key, "completion")
    simulator.world.loader.configs[key] = RunnerConfig(4096)
    here.monitor.kick()
    here.until(lambda s: row(s, SMALL).context.configured == 4096)
    del simulator.world.loader.configs[key]
    here.monitor.kick()
    here.until(lambda s: s.lost)
    plan = RemovePlan(SMALL, wanted.ref, wanted.key, names=(SMALL,), size="1MiB")
    assert states(Carried(here, plan).end) == ["done"]
    here.until(lambda s: not s.lost)

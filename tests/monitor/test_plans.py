"""Plans in words, and configurations that get lost."""

from dmr_tui.monitor.configured import Configurations
from dmr_tui.monitor.plans import (
    ConfigurePlan,
    LoadPlan,
    RemovePlan,
    TagPlan,
    UnloadPlan,
    differences,
    steps_of,
    title_of,
)
from dmr_tui.runner.wire import StoredConfig

BEFORE = {"context-size": 8192, "runtime-flags": ["--temp", "0"], "vllm": {"x": 1}}


def test_each_plan_says_what_it_does() -> None:
    load = LoadPlan("a", "ai/a", "d", unload=(("e", "b"),), context=4096, slots=1)
    assert steps_of(load) == ["unload b", "configure a: context 4,096, 1 slot", "load a"]
    everything = UnloadPlan("a", "d", (("e", "b"),))
    assert (title_of(everything), steps_of(everything)) == (
        "Unload all models",
        ["unload a", "unload b"],
    )
    gone = RemovePlan("a", "ai/a", "d", loaded=True, names=("a", "b"), size="1GiB")
    assert steps_of(gone) == ["unload a", "delete a"]
    assert steps_of(TagPlan("a", "ai/a", "ai/b", "v1")) == ["call a ai/b:v1 as well"]


def test_only_what_differs_is_told() -> None:
    plan = ConfigurePlan("a", "ai/a", "d", "completion", {**BEFORE, "context-size": 1024}, BEFORE)
    assert differences(plan) == ["context-size 8192 → 1024"]
    config = {key: value for key, value in BEFORE.items() if key != "runtime-flags"}
    plan = ConfigurePlan("a", "ai/a", "d", "completion", config, BEFORE, again=True)
    assert differences(plan) == ["runtime-flags --temp 0 → not set"]
    assert title_of(plan) == "Configure again a"


def stored(**configs: dict[str, object]) -> list[StoredConfig]:
    return [StoredConfig(digest, "completion", config) for digest, config in configs.items()]


def test_what_a_restart_forgets_is_lost_until_it_is_there_again() -> None:
    known = Configurations()
    known.see(stored(a=BEFORE, b={"keep_alive": "1h"}))
    assert known.lost == ()
    known.see([])
    assert [(each.digest, each.config, each.restarted) for each in known.lost] == [
        ("a", BEFORE, True),
        ("b", {"keep_alive": "1h"}, True),
    ]
    known.see(stored(a=BEFORE))
    assert [each.digest for each in known.lost] == ["b"]


def test_another_context_is_a_choice_and_a_missing_one_is_a_loss() -> None:
    known = Configurations()
    known.see(stored(a=BEFORE))
    known.see(stored(a={**BEFORE, "context-size": 1024}))
    assert known.lost == ()
    known.see(stored(a={"keep_alive": "5m"}))
    (lost,) = known.lost
    assert (lost.config["context-size"], lost.now, lost.restarted) == (
        1024,
        {"keep_alive": "5m"},
        False,
    )


def test_what_a_person_here_meant_is_no_loss() -> None:
    known = Configurations()
    known.see(stored(a=BEFORE))
    known.meant("a", "completion", {"context-size": 2048})
    known.see(stored(a={"context-size": 2048}))
    assert known.lost == ()


def test_a_model_that_was_removed_has_nothing_to_lose() -> None:
    known = Configurations()
    known.see(stored(a=BEFORE))
    known.see([])
    known.removed(["b"])
    assert known.lost == ()

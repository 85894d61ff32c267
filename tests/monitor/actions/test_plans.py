"""Plans in words, and configurations that get lost."""

from dmr_tui.monitor.actions.run import merged, waiting_steps
from dmr_tui.state.plan import ConfigurePlan, LoadPlan, RemovePlan, TagPlan, UnloadPlan, UntagPlan
from dmr_tui.text.plans import differences, steps_of, title_of

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
    untagged = UntagPlan("a", "ai/b", "d", ("a",))
    assert (title_of(untagged), steps_of(untagged)) == (
        "Take a name from a",
        ["take away the name ai/b"],
    )
    tagged = TagPlan("a", "ai/a", "ai/b", "v1")
    assert steps_of(tagged) == ["call a ai/b:v1 as well"]
    for plan in (load, everything, gone, untagged, tagged):
        assert len(waiting_steps(plan)) == len(steps_of(plan)), "each call has its words"


def test_only_what_differs_is_told() -> None:
    plan = ConfigurePlan("a", "ai/a", "d", "completion", {**BEFORE, "context-size": 1024}, BEFORE)
    assert differences(plan) == ["context-size 8192 → 1024"]
    config = {key: value for key, value in BEFORE.items() if key != "runtime-flags"}
    plan = ConfigurePlan("a", "ai/a", "d", "completion", config, BEFORE, again=True)
    assert differences(plan) == ["runtime-flags --temp 0 → not set"]
    assert title_of(plan) == "Configure again a"


def test_flags_that_would_contradict_the_plan_go() -> None:
    flags = ["--max-model-len", "4096", "-kvu", "--temp", "0"]
    plan = LoadPlan("a", "ai/a", "d", context=8192, slots=2)
    assert merged({"runtime-flags": flags}, plan) == {
        "context-size": 8192,
        "runtime-flags": ["--temp", "0", "--parallel", "2"],
    }

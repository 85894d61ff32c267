"""What a model would need with another context, cache type or number of slots."""

from dataclasses import replace

import pytest
from msgspec import structs

from dmr_tui.machine.container import Container
from dmr_tui.machine.reading import Reading
from dmr_tui.measure.fit import LaunchConfig
from dmr_tui.monitor.memory.what_if import AS_IT_IS, LONGEST, WhatIf, WhatIfResult, forecast_launch
from dmr_tui.simulator.models.library import GEMMA3, NOMIC, PHI4, QWEN3, SMOLLM2
from dmr_tui.simulator.models.model import Model
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.snapshot import MachineState
from dmr_tui.text.preferences import DEFAULT_PREFERENCES
from dmr_tui.ui.machine.memory_bars import pressure_line
from tests.monitor.hardware import card, computer, container, user
from tests.ui.memory_still import rows, still
from tests.ui.still import GIB, snapshot

FREE = 24.0 - 16.8
"""GiB that `beside_blender` leaves."""


def trial(model: Model, what: WhatIf = AS_IT_IS, **more: object) -> WhatIfResult:
    """The question about that model beside Blender, two others loaded."""
    memory, row = _state(model, **more)
    return WhatIfResult(row, memory.fits[row.key], memory, what)


def _state(model: Model, **more: object):  # type: ignore[no-untyped-def]
    shown = still(**more)  # type: ignore[arg-type]
    assert shown.memory is not None
    return shown.memory, next(row for row in shown.models if row.key == model.digest)


def cache(what: WhatIf, model: Model = PHI4) -> int:
    size = trial(model, what).need.cache.value
    assert size is not None
    return size


def test_the_cache_of_phi4_is_that_of_its_layers() -> None:
    # 40 layers of 10 KV heads with 128 elements each, for keys and for values.
    assert cache(WhatIf(context=16384)) == 16384 * 40 * 10 * (128 + 128) * 2
    assert cache(WhatIf(context=8192)) == cache(WhatIf(context=16384)) // 2
    assert cache(WhatIf(cache_type="q8_0")) == 16384 * 40 * 10 * (128 + 128) * 34 // 32
    assert cache(WhatIf(context=4096, cache_type="q4_0")) == 4096 * 40 * 10 * 256 * 18 // 32


def test_slots_share_the_context_and_round_up_what_each_gets() -> None:
    one, three = cache(WhatIf(slots=1)), cache(WhatIf(slots=3))
    assert one < three < one * 1.05
    assert not trial(PHI4, WhatIf(slots=3)).asked.unified
    assert trial(PHI4).asked.unified


def test_an_unchanged_question_is_answered_by_the_last_load() -> None:
    asked = trial(QWEN3)
    assert asked.need.source == "last load"
    assert asked.need.total.value == int(6.2 * GIB)
    assert asked.loaded
    changed = replace(asked, what=WhatIf(context=4096))
    assert changed.need.source == "estimate"
    assert not changed.loaded


def test_what_it_holds_itself_counts_as_free() -> None:
    loaded, other = trial(QWEN3), trial(PHI4)
    assert loaded.own == int(6.2 * GIB)
    assert other.own == 0
    assert other.free.value == pytest.approx(FREE * GIB, abs=2)
    assert loaded.free.value == other.free.value + loaded.own


def test_the_verdict_follows_the_question() -> None:
    # 9.2 GiB with a quarter of the context; 7.2 are free, 13.4 without qwen3.
    assert trial(PHI4, WhatIf(context=4096)).verdict == "no room"
    assert trial(QWEN3, WhatIf(context=16384)).verdict == "fits"
    assert trial(SMOLLM2).verdict == "fits"


def test_the_fewest_are_unloaded_for_a_changed_question() -> None:
    assert set(trial(PHI4).unload or ()) == {QWEN3.digest, NOMIC.digest}
    assert trial(PHI4, WhatIf(context=4096)).unload == (QWEN3.digest,)
    assert trial(SMOLLM2, WhatIf(context=4096)).unload == ()


def test_a_model_is_not_unloaded_for_itself() -> None:
    assert trial(QWEN3, WhatIf(context=16384)).unload == ()
    crowded = computer(
        card(user(11, "llama-server", 6.2), user(30, "blender", 17.0), used=23.4), engines=()
    )
    assert trial(QWEN3, WhatIf(context=40960), on=crowded).unload is None


def test_nothing_can_be_said_without_a_room() -> None:
    asked = trial(PHI4, WhatIf(cache_type="q8_0"), host="gpubox:12434")
    assert asked.verdict == "unknown"
    assert asked.free == Reading(None, asked.memory.pool.reason)
    assert (asked.largest, asked.unload) == (None, ())
    assert asked.need.total.value is not None


def test_the_largest_context_grows_with_a_smaller_cache_type() -> None:
    on = computer(card(user(30, "blender", 19.5), used=19.5))
    f16 = trial(GEMMA3, WhatIf(slots=1), on=on, models=rows()).largest
    q8 = trial(GEMMA3, WhatIf(slots=1, cache_type="q8_0"), on=on, models=rows()).largest
    assert f16 is not None
    assert q8 is not None
    assert 256 < f16 < q8 <= GEMMA3.trained_context


@pytest.mark.parametrize(
    ("wanted", "given"), [(0, 256), (-1024, 256), (3000, 3000), (10**9, 40960)]
)
def test_a_context_stays_within_what_the_model_was_trained_for(wanted: int, given: int) -> None:
    assert trial(QWEN3).with_context(wanted) == WhatIf(context=given)


def test_a_context_has_an_end_where_no_header_tells_one() -> None:
    asked = trial(QWEN3)
    row: ModelRow = structs.replace(
        asked.row, context=structs.replace(asked.row.context, trained=None)
    )
    assert replace(asked, row=row).with_context(10**12).context == LONGEST


def test_cache_types_come_round() -> None:
    asked = trial(PHI4)
    seen = []
    for _ in range(4):
        asked = replace(asked, what=asked.with_next_cache_type())
        seen.append(asked.what.cache_type)
    assert seen == ["q8_0", "q4_0", "f16", "q8_0"]


def test_a_cache_type_that_nobody_tries_is_left_for_the_first() -> None:
    asked = trial(PHI4)
    strange = LaunchConfig(4096, key_type="iq4_nl", value_type="iq4_nl")
    estimate = structs.replace(asked.fit.estimate, launch=strange)
    changed = replace(
        asked, fit=structs.replace(asked.fit, estimate=estimate)
    ).with_next_cache_type()
    assert changed.cache_type == "f16"


@pytest.mark.parametrize(("wanted", "given"), [(0, 1), (-3, 1), (5, 5), (1000, 64)])
def test_slots_have_ends(wanted: int, given: int) -> None:
    assert trial(QWEN3).with_slots(wanted).slots == given


def test_a_package_that_tells_no_size_is_unknown() -> None:
    asked = trial(PHI4, WhatIf(context=4096))
    changed = replace(asked, row=structs.replace(asked.row, size_bytes=None))
    assert changed.need.total == Reading(None, "the runner does not tell the size of the weights")
    assert changed.verdict == "unknown"
    assert changed.unload == ()


def test_a_container_with_a_limit_is_told_with_its_mapped_pages_apart() -> None:
    limited = container(limit=Reading(8 * GIB), needed=Reading(int(7.4 * GIB)))

    def line(held: Container) -> str:
        machine = MachineState(computer(card(), container=held))
        shown = replace(snapshot(), machine=machine)
        return "".join(text for text, _ in pressure_line(shown, DEFAULT_PREFERENCES))

    assert "container 7.4 of 8.0 GiB, 2.0 mapped" in line(limited)
    assert "container" not in line(container())


@pytest.mark.parametrize(
    ("config", "context", "source", "beyond"),
    [
        ({}, 16384, "packaged", None),
        ({"context-size": 4096}, 4096, "configured", None),
        ({"context-size": 4096, "runtime-flags": ["-c", "8192"]}, 8192, "flag", None),
        ({"context-size": -1}, 16384, "trained", None),
        ({"context-size": 20000}, 20000, "configured", 16384),
        ({"context-size": "many", "runtime-flags": "-c 8192"}, 16384, "packaged", None),
    ],
)
def test_a_configuration_is_judged_as_the_runner_would_start_it(
    config: dict[str, object], context: int, source: str, beyond: int | None
) -> None:
    now = trial(PHI4)
    then = forecast_launch(replace(snapshot(), memory=now.memory), now.row, config)
    assert (then.asked.context, then.source, then.trained) == (context, source, beyond)
    assert then.need.cache.value == cache(WhatIf(context=context))
    assert then.lacks_memory == (context > 2048)


def test_a_configuration_with_another_cache_or_number_of_slots() -> None:
    now = trial(PHI4)
    shown = replace(snapshot(), memory=now.memory)
    flags = ["--cache-type-k", "q8_0", "--cache-type-v", "q8_0", "-np", "2"]
    then = forecast_launch(shown, now.row, {"runtime-flags": flags})
    assert (then.asked.slots, then.asked.unified) == (2, False)
    assert then.need.cache.value == cache(WhatIf(cache_type="q8_0", slots=2))


def test_a_configuration_before_the_machine_is_read() -> None:
    then = forecast_launch(
        replace(snapshot(), memory=None), trial(PHI4).row, {"context-size": 4096}
    )
    assert (then.verdict, then.lacks_memory) == ("unknown", False)
    assert then.need.total.reason == "the machine was not read yet"


@pytest.mark.parametrize(
    ("what", "left"),
    [
        (WhatIf(context=16384, cache_type="f16"), AS_IT_IS),
        (WhatIf(context=8192, cache_type="f16"), WhatIf(context=8192)),
        (WhatIf(cache_type="q8_0", slots=2), WhatIf(cache_type="q8_0", slots=2)),
        (WhatIf(context=16384, slots=4), WhatIf(slots=4)),
    ],
    ids=["back again", "another context", "both", "slots of their own"],
)
def test_what_is_as_it_would_be_anyway_is_no_change(what: WhatIf, left: WhatIf) -> None:
    assert trial(PHI4).changed(what) == left

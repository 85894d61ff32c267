"""Which model fits, the way it would be loaded, and what to unload for it."""

import pytest
from msgspec.structs import replace

from dmr_tui.machine.reading import Reading
from dmr_tui.measure.fit import LaunchConfig, MemoryPool, Reclaimable
from dmr_tui.monitor.memory.engine_flags import Flags, read_flags
from dmr_tui.monitor.memory.fits import AUTO_SLOTS, USEFUL, Architectures, default_launch, find_fits
from dmr_tui.monitor.memory.footprints import Footprints
from dmr_tui.monitor.model_rows import Installed, Loaded
from dmr_tui.runner.wire import Configured, RunnerConfig, Running
from dmr_tui.simulator.models.library import (
    GEMMA3,
    INSTALLED,
    LLAMA32,
    NEMO,
    NOMIC,
    PHI4,
    QWEN3,
    VLLM_QWEN3,
)
from dmr_tui.state.memory import Fit, Footprint, LoadConditions
from dmr_tui.state.model_row import Context, ModelRow
from tests.monitor.hardware import packaged

MIB, GIB = 2**20, 2**30


def rows(*running: str) -> tuple[ModelRow, ...]:
    ps = [Running("llama.cpp", name, "completion") for name in running]
    return Installed(packaged(*INSTALLED, VLLM_QWEN3)).rows(Loaded(ps))


def vram(free: float, total: float = 24.0) -> Reading[MemoryPool]:
    return Reading(MemoryPool("VRAM", int(total * GIB), int(free * GIB), 450 * MIB, "NVML"))


def fits(
    loading: LoadConditions,
    *running: str,
    configured: tuple[Configured, ...] = (),
    taken: Footprints | None = None,
) -> dict[str, Fit]:
    return find_fits(rows(*running), configured, loading, Architectures(), taken or Footprints())


@pytest.mark.parametrize(
    ("context", "flags", "tokens", "source"),
    [
        (Context(trained=40960, packaged=8192), "", 8192, "packaged"),
        (Context(trained=40960, packaged=8192, configured=4096), "", 4096, "configured"),
        (Context(trained=40960, configured=4096), "-c 2048", 2048, "flag"),
        (Context(trained=40960, packaged=8192, configured=-1), "", 40960, "trained"),
        (Context(trained=40960), "", 40960, "trained"),
        (Context(), "", 4096, "default"),
    ],
)
def test_the_context_that_the_runner_would_ask_for(
    context: Context, flags: str, tokens: int, source: str
) -> None:
    row = ModelRow("k", "x", "x", None, context=context)
    asked, who = default_launch(row, read_flags(flags.split()), None)
    assert (asked.context, who) == (tokens, source)


def test_slots_are_those_of_a_flag_or_what_engines_here_start_with() -> None:
    row = ModelRow("k", "x", "x", None, context=Context(packaged=8192))
    auto, _ = default_launch(row, Flags(), None)
    assert (auto.slots, auto.unified) == (AUTO_SLOTS, True)
    assert default_launch(row, Flags(), 1)[0].slots == 1
    told, _ = default_launch(row, Flags(slots=2), 1)
    assert (told.slots, told.unified) == (2, False)


def test_verdicts_are_those_of_the_memory_that_is_free() -> None:
    found = fits(LoadConditions(vram(24.0), slots=1))
    assert found[QWEN3.digest].verdict == "fits"
    assert found[LLAMA32.digest].verdict == "fits"
    assert found[NOMIC.digest].verdict == "fits"
    small = fits(LoadConditions(vram(2.0), slots=1))
    assert small[QWEN3.digest].verdict == "no room"
    tiny = fits(LoadConditions(vram(2.0, total=2.5), slots=1))
    assert tiny[QWEN3.digest].verdict == "too big"
    assert small[LLAMA32.digest].largest_context is None or (
        0 < small[LLAMA32.digest].largest_context < LLAMA32.packaged_context  # type: ignore[operator]
    )


def test_a_package_without_layers_is_unknown_with_its_reason() -> None:
    fit = fits(LoadConditions(vram(24.0)))[VLLM_QWEN3.digest]
    assert fit.verdict == "unknown"
    assert "safetensors" in fit.reason
    assert fit.need.weights.value is not None
    assert fit.largest_context is None


def test_what_is_too_big_by_its_weights_alone_is_too_big() -> None:
    assert fits(LoadConditions(vram(3.0)))[VLLM_QWEN3.digest].verdict == "no room"
    assert fits(LoadConditions(vram(3.0, total=3.0)))[VLLM_QWEN3.digest].verdict == "too big"


def test_a_model_that_is_too_big_names_what_to_unload() -> None:
    free = 0.4
    held = (
        Reclaimable(QWEN3.digest, 7 * GIB),
        Reclaimable(LLAMA32.digest, 3 * GIB),
        Reclaimable(NOMIC.digest, GIB, busy=True),
    )
    found = fits(LoadConditions(vram(free), held, slots=1), QWEN3.name, LLAMA32.name)
    assert found[NOMIC.digest].unload == (LLAMA32.digest,)
    assert found[GEMMA3.digest].unload == (QWEN3.digest, LLAMA32.digest) or (
        found[GEMMA3.digest].unload == (QWEN3.digest,)
    )
    assert found[PHI4.digest].unload is None, "all that is idle together is not enough"


def test_a_busy_model_is_not_to_be_unloaded() -> None:
    held = (Reclaimable(QWEN3.digest, 20 * GIB, busy=True),)
    assert fits(LoadConditions(vram(0.4), held), QWEN3.name)[LLAMA32.digest].unload is None


def test_what_fits_needs_nothing_unloaded() -> None:
    held = (Reclaimable(QWEN3.digest, 7 * GIB),)
    assert fits(LoadConditions(vram(12.0), held, slots=1), QWEN3.name)[LLAMA32.digest].unload == ()


def test_a_loaded_model_is_loaded_and_its_context_counts_its_own_memory_as_free() -> None:
    held = (Reclaimable(QWEN3.digest, 7 * GIB),)
    asked = {QWEN3.digest: LaunchConfig(8192, slots=1)}
    fit = fits(LoadConditions(vram(4.0), held, asked, 1), QWEN3.name)[QWEN3.digest]
    assert fit.verdict == "loaded"
    assert fit.unload is None
    alone = fits(LoadConditions(vram(4.0), (), asked, 1), QWEN3.name)[QWEN3.digest]
    assert (fit.largest_context or 0) > 8192
    assert alone.largest_context == 8192, "what is there, fits"


def test_what_neither_fits_nor_is_helped_by_unloading_may_fit_with_less_context() -> None:
    held = (Reclaimable(QWEN3.digest, 7 * GIB), Reclaimable(LLAMA32.digest, 3 * GIB))
    fit = fits(LoadConditions(vram(2.0), held, slots=1), QWEN3.name, LLAMA32.name)[NEMO.digest]
    assert fit.verdict == "too big"
    assert (fit.unload, fit.largest_context) == (None, None)
    assert fit.smaller is not None
    keys, most = fit.smaller
    assert set(keys) == {QWEN3.digest, LLAMA32.digest}
    assert 0 < most < 131072


def test_configured_context_and_cache_type_count() -> None:
    config = RunnerConfig(context_size=32768, runtime_flags=["-ctk", "q8_0", "-ctv", "q8_0"])
    configured = (Configured("llama.cpp", QWEN3.name, QWEN3.digest, "completion", config),)
    fit = fits(LoadConditions(vram(24.0), slots=1), configured=configured)[QWEN3.digest]
    assert fit.context_source == "packaged" or fit.context_source == "configured"
    assert fit.need.launch.key_type == "q8_0"
    plain = fits(LoadConditions(vram(24.0), slots=1))[QWEN3.digest]
    assert fit.need.cache.value is not None
    assert plain.need.cache.value is not None
    per_token = plain.need.cache.value / 8192
    assert fit.need.cache.value / fit.need.launch.context < 0.6 * per_token


def test_what_the_last_load_took_wins_over_the_formula_and_tells_its_error() -> None:
    loads = Footprints()
    asked = LaunchConfig(8192, slots=1)
    by_formula = fits(LoadConditions(vram(24.0), slots=1))[QWEN3.digest].estimate.total.value
    assert by_formula is not None
    took = int(by_formula / 1.05)
    loads.put(Footprint(QWEN3.digest, asked, took, "VRAM", "NVML", 1.0))
    fit = fits(LoadConditions(vram(24.0), slots=1), taken=loads)[QWEN3.digest]
    assert fit.need.source == "last load"
    assert fit.need.total.value == took
    assert fit.estimate.total.value == by_formula
    assert fit.error == pytest.approx(5.0, abs=0.01)
    told = replace(
        Footprint(QWEN3.digest, asked, took + GIB, "VRAM", "NVML", 2.0),
        weights=4 * GIB,
        cache=GIB,
        compute=GIB // 2,
    )
    loads.put(told)
    parts = fits(LoadConditions(vram(24.0), slots=1), taken=loads)[QWEN3.digest].need
    assert (parts.weights.value, parts.cache.value) == (4 * GIB, GIB)
    assert parts.total.value == took + GIB


def test_a_load_in_ram_says_nothing_about_vram() -> None:
    loads = Footprints()
    loads.put(Footprint(QWEN3.digest, LaunchConfig(8192), GIB, "RAM", "resident memory", 1.0))
    assert fits(LoadConditions(vram(24.0)), taken=loads)[QWEN3.digest].footprint is None


def test_without_room_needs_are_known_and_verdicts_are_not() -> None:
    found = fits(LoadConditions(Reading(None, "the runner is on another machine")))
    assert found[QWEN3.digest].verdict == "unknown"
    assert found[QWEN3.digest].reason == "the runner is on another machine"
    assert found[QWEN3.digest].need.weights.value is not None


def test_no_context_is_offered_that_is_too_short_for_a_prompt() -> None:
    found = [
        fits(LoadConditions(vram(free / 20), slots=1))[QWEN3.digest].largest_context
        for free in range(90, 140)
    ]
    assert None in found
    assert all(each is None or each >= USEFUL for each in found)
    assert any(each is not None and each < 4096 for each in found)

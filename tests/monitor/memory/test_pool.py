"""Where the next model would go: the GPUs if engines use them, else RAM."""

from dataclasses import replace

from dmr_tui.machine.reading import Reading
from dmr_tui.monitor.memory.pool import CUDA_CONTEXT, find_pool
from dmr_tui.runner.backend import parse_status
from dmr_tui.state.memory import MemoryUsage
from tests.monitor.hardware import card, computer, container
from tests.ui.still import GIB, HOST

CUDA = (parse_status("llama.cpp", "Running: llama.cpp latest-cuda b9879"),)
CPU = (parse_status("llama.cpp", "Running: llama.cpp latest-cpu b9879"),)


def held(vram: int | None, mapped: int = 0) -> MemoryUsage:
    reading = Reading(vram, "" if vram is not None else "hidden")
    return MemoryUsage("key", "qwen3", reading, Reading(GIB), Reading(mapped))


def test_free_memory_of_all_gpus() -> None:
    pool = find_pool(computer(card(used=18.0), card(used=4.0, index=1)), CUDA, ()).value
    assert pool is not None
    assert (pool.kind, pool.total, pool.free) == ("VRAM", 48 * GIB, 26 * GIB)
    assert (pool.overhead, pool.source) == (2 * CUDA_CONTEXT, "NVML")


def test_without_a_gpu_it_is_ram_without_the_pages_of_loaded_weights() -> None:
    pool = find_pool(computer(), CUDA, (held(None, mapped=5 * GIB),)).value
    assert pool is not None
    used = HOST.ram_used.value
    assert used is not None
    assert (pool.kind, pool.total, pool.free) == ("RAM", 64 * GIB, 64 * GIB - used - 5 * GIB)
    assert pool.overhead == 0


def test_a_limited_container_leaves_what_it_does_not_need_itself() -> None:
    limited = container(limit=Reading(8 * GIB), needed=Reading(3 * GIB), gpus=False)
    pool = find_pool(computer(container=limited), CUDA, ()).value
    assert pool is not None
    assert (pool.total, pool.free) == (8 * GIB, 5 * GIB)


def test_a_gpu_that_engines_cannot_use_is_no_room() -> None:
    no_gpus = container(gpus=False)
    for machine, backends, usages in (
        (computer(card(), container=no_gpus), CUDA, ()),
        (computer(card()), CPU, ()),
        (computer(card()), CUDA, (held(0),)),
    ):
        pool = find_pool(machine, backends, usages).value
        assert pool is not None
        assert pool.kind == "RAM"


def test_an_engine_whose_gpu_memory_is_hidden_proves_nothing() -> None:
    pool = find_pool(computer(card()), CUDA, (held(None),)).value
    assert pool is not None
    assert pool.kind == "VRAM"


def test_unknown_gpu_memory_is_unknown_room() -> None:
    gpu = card(memory_used=Reading(None, "NVML: says 2^64"))
    assert find_pool(computer(gpu), CUDA, ()) == Reading(None, "NVML: says 2^64")


def test_unified_memory_is_bound_by_its_budget_and_by_ram() -> None:
    gpu = card(used=10.0, total=48.0, memory_kind="unified", maker="Apple", source="ioreg")
    pool = find_pool(computer(gpu), (), ()).value
    assert pool is not None
    assert (pool.kind, pool.total, pool.free) == ("unified", 48 * GIB, 38 * GIB)
    tight = replace(HOST, ram_used=Reading(60 * GIB))
    pool = find_pool(computer(gpu, host=tight), (), ()).value
    assert pool is not None
    assert pool.free == 4 * GIB


def test_an_engine_sees_one_mig_slice() -> None:
    whole = card(used=10.0, total=80.0)
    slices = [
        card(used=1.0, total=10.0, index=1, slice_of=0),
        card(used=1.0, total=20.0, index=2, slice_of=0),
    ]
    pool = find_pool(computer(whole, *slices), CUDA, ()).value
    assert pool is not None
    assert pool.free == 19 * GIB


def test_a_gpu_in_the_processor_does_not_count_beside_one_with_memory_of_its_own() -> None:
    built_in = card(used=0.1, total=0.5, maker="Intel", index=1)
    pool = find_pool(computer(card(used=18.0), built_in), CUDA, ()).value
    assert pool is not None
    assert pool.free == 6 * GIB

"""The memory pool for the next model, and how much is free in it."""

from dmr_tui.machine.gpu.gpu import Gpu
from dmr_tui.machine.probe import Machine
from dmr_tui.machine.reading import Reading
from dmr_tui.measure.fit import MemoryPool
from dmr_tui.runner.backend import Backend
from dmr_tui.state.memory import MemoryUsage

MIB = 2**20
CUDA_CONTEXT = 450 * MIB
"""Memory of the driver on each GPU for a process that computes there (451 to 456 MiB seen)."""


def find_pool(
    machine: Machine, backends: tuple[Backend, ...], usages: tuple[MemoryUsage, ...]
) -> Reading[MemoryPool]:
    """The memory that engines use here: that of the GPUs, unless something says otherwise."""
    gpus = _separate(machine.gpu.gpus)
    if not gpus or not _uses_gpus(machine, backends, usages):
        return _ram(machine, usages)
    if any(gpu.memory_kind == "unified" for gpu in gpus):
        return _ram(machine, usages, gpus[0])
    used = [gpu.memory_used for gpu in gpus]
    total = [gpu.memory_total for gpu in gpus]
    for reading in (*total, *used):
        if reading.value is None:
            return Reading(None, reading.reason)
    if gpus[0].slice_of is not None:
        # An engine sees one MIG slice only.
        gpus = (max(gpus, key=_free),)
    return Reading(
        MemoryPool(
            "VRAM",
            sum(gpu.memory_total.value or 0 for gpu in gpus),
            sum(_free(gpu) for gpu in gpus),
            CUDA_CONTEXT * sum(gpu.maker == "NVIDIA" for gpu in gpus),
            gpus[0].source,
        )
    )


def _separate(gpus: tuple[Gpu, ...]) -> tuple[Gpu, ...]:
    """The GPUs that memory is taken from: MIG slices instead of the GPU that was cut into them.

    A GPU in the processor is left out beside one with memory of its own.
    """
    cut = {gpu.slice_of for gpu in gpus}
    whole = tuple(gpu for gpu in gpus if gpu.index not in cut)
    slices = tuple(gpu for gpu in whole if gpu.slice_of is not None)
    own = tuple(gpu for gpu in whole if gpu.memory_kind == "VRAM" and gpu.maker != "Intel")
    return slices or own or whole


def _free(gpu: Gpu) -> int:
    return max(0, (gpu.memory_total.value or 0) - (gpu.memory_used.value or 0))


def _uses_gpus(
    machine: Machine, backends: tuple[Backend, ...], usages: tuple[MemoryUsage, ...]
) -> bool:
    container = machine.container.container
    if container is not None and container.gpus is False:
        return False
    llama = next((backend for backend in backends if backend.name == "llama.cpp"), None)
    # The build without CUDA brings Vulkan, by which it may use the GPUs of others.
    nvidia = all(gpu.maker == "NVIDIA" for gpu in machine.gpu.gpus)
    if llama is not None and llama.variant == "cpu" and nvidia:
        return False
    loaded = [each for each in usages if each.key and each.vram.value is not None]
    return not loaded or any(each.vram.value for each in loaded)


def _ram(
    machine: Machine, usages: tuple[MemoryUsage, ...], gpu: Gpu | None = None
) -> Reading[MemoryPool]:
    """The computer's memory, of a `gpu` that uses it bound by its share as well."""
    used, total = machine.host.ram_used, machine.host.ram_total
    if used.value is None or total.value is None:
        return Reading(None, used.reason or total.reason)
    whole, free = total.value, total.value - used.value
    if gpu is not None:
        budget = gpu.memory_total.value
        if budget is None:
            return Reading(MemoryPool("unified", whole, free, source="psutil"))
        free = min(free, budget - (gpu.memory_used.value or 0))
        return Reading(MemoryPool("unified", budget, max(0, free), source=gpu.source))
    # Pages of mapped weights count as available, but the models that are loaded need them.
    mapped = sum(each.mapped.value or 0 for each in usages if each.key)
    free -= mapped
    container = machine.container.container
    if container is not None and container.limit.value is not None:
        whole = min(whole, container.limit.value)
        if container.needed.value is not None:
            free = min(free, container.limit.value - container.needed.value - mapped)
    return Reading(MemoryPool("RAM", whole, max(0, free), source="psutil"))

"""The formulas of need, against what engines printed; verdicts, and what to unload."""

import random

import pytest
from msgspec.structs import replace

from dmr_tui.machine.reading import Reading
from dmr_tui.measure.architecture import Architecture, Layer
from dmr_tui.measure.fit import (
    BYTES,
    LaunchConfig,
    MemoryEstimate,
    MemoryPool,
    Reclaimable,
    estimate_memory,
    judge,
    largest_context,
    required_free,
    unload_for,
)

MIB, GIB = 2**20, 2**30
LLAMA3_8B = Architecture("llama", (Layer(8, 128, 128),) * 32, 4096, 32, 128256, 8192)
QWEN = Architecture("qwen2", (Layer(4, 128, 128),) * 28, 3584, 28, 151936, 32768)
GEMMA3_4B = Architecture(
    "gemma3",
    tuple(Layer(4, 256, 256, None if place % 6 == 5 else 1024) for place in range(34)),
    2560,
    8,
    262144,
    131072,
)
GPU = Reading(MemoryPool("VRAM", 24 * GIB, 20 * GIB))
RAM = Reading(MemoryPool("RAM", 64 * GIB, 40 * GIB))


def of(
    architecture: Architecture, context: int, pool: Reading[MemoryPool] = GPU, **more: object
) -> MemoryEstimate:
    asked = LaunchConfig(context, **more)  # type: ignore[arg-type]
    return estimate_memory(Reading(architecture), Reading(4 * GIB), asked, pool)


def cache(architecture: Architecture, context: int, **more: object) -> int:
    value = of(architecture, context, **more).cache.value
    assert value is not None
    return value


@pytest.mark.parametrize(
    ("layers", "heads", "length", "context", "mib"),
    [(32, 8, 128, 8192, 1024), (28, 8, 128, 4096, 448), (36, 2, 128, 4096, 144)],
)
def test_the_kv_cache_that_engines_printed(
    layers: int, heads: int, length: int, context: int, mib: int
) -> None:
    architecture = Architecture("x", (Layer(heads, length, length),) * layers, 4096, 32, 1000, 8192)
    assert cache(architecture, context) == mib * MIB


def test_half_of_the_layers_of_gpt_oss_look_at_everything() -> None:
    layers = tuple(Layer(8, 64, 64, None if place % 2 else 128) for place in range(24))
    full = tuple(layer for layer in layers if layer.window is None)
    whole = Architecture("gpt-oss", full, 2880, 64, 201088, 131072)
    # 48 MiB for the keys of 12 layers at 4,096, as its log says, and as much for the values.
    assert cache(whole, 4096) == 2 * 48 * MIB


def test_the_kv_cache_of_the_model_that_was_loaded_here() -> None:
    architecture = Architecture("llama", (Layer(4, 64, 64),) * 12, 768, 12, 32000, 8192)
    assert cache(architecture, 4096) == 48 * MIB


@pytest.mark.parametrize(
    ("vocabulary", "embedding", "mib"), [(151936, 4096, 304.75), (128256, 4096, 258.5)]
)
def test_the_compute_buffer_that_engines_printed(
    vocabulary: int, embedding: int, mib: float
) -> None:
    architecture = replace(LLAMA3_8B, vocabulary=vocabulary, embedding=embedding)
    assert of(architecture, 8192).compute.value == mib * MIB


@pytest.mark.parametrize(
    ("embedding", "feed_forward", "context", "mib"),
    [(256, 512, 512, 6.02), (256, 4096, 4096, 30.52), (1024, 4096, 4096, 38.02)],
)
def test_the_compute_buffer_on_a_processor(
    embedding: int, feed_forward: int, context: int, mib: float
) -> None:
    architecture = replace(LLAMA3_8B, embedding=embedding, feed_forward=feed_forward)
    value = of(architecture, context, RAM).compute.value
    assert value is not None
    assert abs(value / MIB - mib) <= 0.03, "what llama.cpp printed here"
    wordy = of(replace(architecture, vocabulary=256_000), context, RAM)
    assert wordy.compute.value == value, "nobody keeps the scores of every word for every token"


def test_a_gpu_has_room_for_the_larger_of_words_and_layers() -> None:
    wide = replace(LLAMA3_8B, feed_forward=65536)
    on_gpu, on_processor = (of(wide, 8192, pool).compute.value for pool in (GPU, RAM))
    assert on_gpu == on_processor == 4 * 512 * (5 * 4096 + 3 * 65536) + 2 * 512 * 8192


def test_the_masks_of_an_encoder_are_no_longer_than_its_batch() -> None:
    encoder = replace(LLAMA3_8B, causal=False)
    assert of(encoder, 32768, RAM).compute == of(encoder, 512, RAM).compute


def test_sliding_windows_stop_growing() -> None:
    full = sum(1 for layer in GEMMA3_4B.layers if layer.window is None)
    per_token = 4 * 512 * 2
    at_32k = cache(GEMMA3_4B, 32768, slots=1)
    assert at_32k == (full * 32768 + (34 - full) * (1024 + 512)) * per_token
    grown = cache(GEMMA3_4B, 65536, slots=1) - at_32k
    assert grown == full * 32768 * per_token
    assert cache(GEMMA3_4B, 512) == 34 * 512 * per_token, "less than the window"


def test_slots_that_share_one_cache_keep_a_window_each() -> None:
    one, four = (cache(GEMMA3_4B, 32768, slots=n, unified=True) for n in (1, 4))
    assert four > one
    assert cache(LLAMA3_8B, 8192, slots=4) == cache(LLAMA3_8B, 8192, slots=1)
    apart = cache(LLAMA3_8B, 8192, slots=4, unified=False)
    assert apart == cache(LLAMA3_8B, 8192)


@pytest.mark.parametrize("kind", sorted(BYTES))
def test_types_of_the_cache(kind: str) -> None:
    whole = cache(LLAMA3_8B, 8192, key_type="f32", value_type="f32")
    assert cache(LLAMA3_8B, 8192, key_type=kind, value_type=kind) == whole * BYTES[kind] / 4


def test_an_unknown_type_is_unknown() -> None:
    needed = of(LLAMA3_8B, 8192, key_type="q3_x")
    assert needed.cache.value is None
    assert "q3_x" in needed.total.reason


def test_a_context_is_rounded_up_to_blocks() -> None:
    assert cache(LLAMA3_8B, 8000) == cache(LLAMA3_8B, 8192)
    assert cache(LLAMA3_8B, 1) == cache(LLAMA3_8B, 256)


def test_encoders_keep_no_cache() -> None:
    assert cache(replace(LLAMA3_8B, causal=False), 8192) == 0


def test_recurrent_state_is_one_for_each_slot() -> None:
    architecture = replace(LLAMA3_8B, layers=(Layer(0, 0, 0),) * 4, state=MIB)
    assert cache(architecture, 8192, slots=3) == 3 * MIB


def test_without_flash_attention_there_are_scores() -> None:
    more = of(LLAMA3_8B, 8192, flash=False).compute.value
    less = of(LLAMA3_8B, 8192).compute.value
    assert more is not None
    assert less is not None
    assert more - less == 4 * 512 * 8192 * 32


def test_layers_that_stay_off_the_gpu_take_their_share_along() -> None:
    half = of(LLAMA3_8B, 8192, gpu_layers=16)
    assert half.weights.value == 2 * GIB
    assert half.cache.value == 512 * MIB
    assert of(LLAMA3_8B, 8192, RAM, gpu_layers=16).weights.value == 4 * GIB


def free(size: int, total: int = 64 * GIB) -> Reading[MemoryPool]:
    return Reading(MemoryPool("VRAM", total, size))


def test_the_total_is_its_parts_and_the_drivers() -> None:
    pool = Reading(MemoryPool("VRAM", 24 * GIB, 20 * GIB, 450 * MIB))
    needed = of(LLAMA3_8B, 8192, pool)
    parts = (needed.weights.value, needed.cache.value, needed.compute.value, 450 * MIB)
    assert needed.total.value == sum(part or 0 for part in parts) == needed.at_least


def test_what_is_not_known_leaves_the_total_unknown() -> None:
    needed = estimate_memory(Reading(None, "no header"), Reading(4 * GIB), LaunchConfig(8192), GPU)
    assert needed.total == Reading(None, "no header")
    assert needed.at_least == 4 * GIB
    assert judge(needed, free(3 * GIB)) == "no room"
    assert judge(needed, free(3 * GIB, 3 * GIB)) == "too big"
    assert judge(needed, free(5 * GIB)) == "unknown"
    assert judge(needed, Reading(None, "?")) == "unknown"
    nameless = estimate_memory(
        Reading(LLAMA3_8B), Reading(None, "no size"), LaunchConfig(8192), GPU
    )
    assert nameless.total.reason == "no size"


def test_more_context_never_needs_less() -> None:
    chance = random.Random(5)
    for _ in range(200):
        architecture = chance.choice((LLAMA3_8B, QWEN, GEMMA3_4B))
        less, more = sorted(chance.randrange(1, 200_000) for _ in range(2))
        slots, unified = chance.randrange(1, 9), chance.random() < 0.5
        asked = {"slots": slots, "unified": unified}
        assert cache(architecture, less, **asked) <= cache(architecture, more, **asked)
        for pool in (GPU, RAM):
            asked["flash"] = chance.random() < 0.5
            small, large = (
                of(architecture, each, pool, **asked).total.value for each in (less, more)
            )
            assert small is not None
            assert large is not None
            assert small <= large


def test_more_slots_never_need_less_cache() -> None:
    chance = random.Random(6)
    for _ in range(200):
        architecture, unified = chance.choice((LLAMA3_8B, QWEN, GEMMA3_4B)), chance.random() < 0.5
        context, fewer = chance.randrange(1, 200_000), chance.randrange(1, 9)
        few, many = (
            cache(architecture, context, slots=slots, unified=unified)
            for slots in (fewer, fewer + 1)
        )
        # Cells are counted by the 256 for each slot, so that fewer slots may round up to more.
        rounding = (
            0
            if unified
            else 256
            * fewer
            * sum(
                layer.kv_heads * 2 * (layer.key_length + layer.value_length)
                for layer in architecture.layers
            )
        )
        assert few <= many + rounding


def test_verdicts_and_their_margins() -> None:
    needed = of(LLAMA3_8B, 8192)
    total = needed.total.value
    assert total is not None
    assert judge(needed, free(required_free(total))) == "fits"
    assert judge(needed, free(required_free(total) - 1)) == "tight"
    assert judge(needed, free(total)) == "tight"
    assert judge(needed, free(total - 1)) == "no room"
    assert judge(needed, free(total - 1, total)) == "no room"
    assert judge(needed, free(total - 1, total - 1)) == "too big"
    assert abs(required_free(10 * GIB) - (11 * GIB + 300 * MIB)) <= 1


@pytest.mark.parametrize("architecture", [LLAMA3_8B, QWEN, GEMMA3_4B])
@pytest.mark.parametrize("free_gib", [4.0, 5.5, 6.3, 7.0, 9.0, 40.0])
def test_the_largest_context_fits_and_the_next_does_not(
    architecture: Architecture, free_gib: float
) -> None:
    there = int(free_gib * GIB)
    weights, asked = Reading(4 * GIB), LaunchConfig(4096)
    most = largest_context(Reading(architecture), weights, asked, GPU, there)

    def verdict(context: int) -> str:
        return judge(of(architecture, context), free(there))

    if most is None:
        assert verdict(256) != "fits"
        return
    assert most % 256 == 0
    assert verdict(most) == "fits"
    assert architecture.trained is not None
    assert most == architecture.trained or verdict(most + 256) != "fits"


def test_the_largest_context_of_what_is_not_known() -> None:
    unknown: Reading[Architecture] = Reading(None, "no header")
    assert largest_context(unknown, Reading(GIB), LaunchConfig(4096), GPU, GIB) is None
    nowhere: Reading[MemoryPool] = Reading(None, "elsewhere")
    assert largest_context(Reading(QWEN), Reading(GIB), LaunchConfig(4096), nowhere, GIB) is None


HELD = (
    Reclaimable("a", 6),
    Reclaimable("b", 3),
    Reclaimable("c", 5),
    Reclaimable("d", 20, busy=True),
)


@pytest.mark.parametrize(
    ("missing", "keys"),
    [
        (0, ()),
        (2, ("b",)),
        (4, ("c",)),
        (6, ("a",)),
        (7, ("b", "c")),
        (10, ("a", "c")),
        (14, ("a", "b", "c")),
        (15, None),
    ],
)
def test_the_fewest_and_smallest_to_unload(missing: int, keys: tuple[str, ...] | None) -> None:
    chosen = unload_for(missing, HELD)
    assert (None if chosen is None else tuple(sorted(each.key for each in chosen))) == keys


def test_many_idle_models_that_are_not_enough_are_given_up_at_once() -> None:
    held = [Reclaimable(str(place), 1) for place in range(64)]
    assert unload_for(65, held) is None

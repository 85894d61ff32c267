"""The shape of a network by its GGUF header, as far as its memory depends on it."""

from collections.abc import Mapping

from msgspec import Struct

from dmr_tui.machine.reading import Reading

MOST_LAYERS = 4096
LONGEST = 2**40
"""Numbers beyond these belong to no network: the header is wrong."""
_FULL_EVERY = {"gemma2": 2, "gemma3": 6, "gemma3n": 5, "gpt-oss": 2, "llama4": 4, "cohere2": 4}
"""One layer in so many attends to the whole context, where the header does not say so."""
_LLAMA4_WINDOW = 8192
_IGNORES_WINDOW = frozenset({"phi3"})
_VOCABULARIES = {
    "llama-bpe": 128_256,
    "qwen2": 151_936,
    "tekken": 131_072,
    "gpt-4o": 201_088,
    "dbrx": 100_352,
    "smollm": 49_152,
    "deepseek-v3": 129_280,
}
"""Tokens in the vocabulary, by the name of the tokenizer in the header."""


class Layer(Struct, frozen=True):
    """One block of the network; sizes in elements."""

    kv_heads: int
    """0: a layer without attention, which keeps no KV cache."""
    key_length: int
    value_length: int
    window: int | None = None
    """Tokens that it looks back; None if all."""


class Architecture(Struct, frozen=True):
    """A network's shape; lengths in elements, windows in tokens."""

    architecture: str
    layers: tuple[Layer, ...]
    embedding: int
    heads: int
    vocabulary: int | None
    """None if the header does not tell: DMR drops the list of tokens."""
    trained: int | None
    """The context it was trained with."""
    causal: bool = True
    """False for the encoders that make embeddings: they keep no KV cache."""
    state: int = 0
    """Bytes of recurrent state for each sequence, all layers together."""
    feed_forward: int | None = None
    """Width of the widest feed-forward layer, all experts that a token uses together."""


class _Unusable(ValueError):
    pass


class _Header:
    """The entries of one architecture, read as numbers."""

    def __init__(self, gguf: Mapping[str, object], architecture: str) -> None:
        self._gguf = gguf
        self._prefix = architecture

    def text(self, name: str) -> str | None:
        value = self._gguf.get(f"{self._prefix}.{name}")
        return None if value is None else str(value).strip()

    def number(self, name: str) -> int | None:
        """Return a number from 0 on; None if there is none. Raises _Unusable for anything else."""
        text = self.text(name)
        if not text:
            return None
        try:
            number = int(text)
        except ValueError:
            raise _Unusable(f"the header says {name} is {text[:40]!r}") from None
        if not 0 <= number <= LONGEST:
            raise _Unusable(f"the header says {name} is {number}")
        return number

    def required(self, name: str) -> int:
        """Return a number above 0. Raises _Unusable for anything else, and if there is none."""
        number = self.number(name)
        if not number:
            raise _Unusable(f"the header does not tell {name}")
        return number

    def each(self, name: str, layers: int) -> list[int] | None:
        """Return one number for each layer, from a list or from one number for all."""
        text = self.text(name)
        if not text:
            return None
        words = text.strip("[]").split(",")
        try:
            numbers = [int(word) for word in words]
        except ValueError:
            raise _Unusable(f"the header says {name} is {text[:40]!r}") from None
        if any(not 0 <= number <= LONGEST for number in numbers):
            raise _Unusable(f"the header says {name} is {text[:40]!r}")
        if len(numbers) == 1:
            return numbers * layers
        if len(numbers) != layers:
            raise _Unusable(f"the header has {len(numbers)} of {name} for {layers} layers")
        return numbers


def read_architecture(
    gguf: Mapping[str, object] | None, architecture: str | None
) -> Reading[Architecture]:
    """Read the shape from `config.gguf` of `GET /models`.

    Values are texts, arrays are joined with ", " or left out (over 50 elements).
    """
    if not gguf:
        return Reading(None, "the package tells nothing about its layers")
    name = str(gguf.get("general.architecture") or architecture or "").strip()
    if not name:
        return Reading(None, "the header does not tell the architecture")
    try:
        return Reading(_architecture(_Header(gguf, name), name, gguf))
    except _Unusable as error:
        return Reading(None, str(error))


def _architecture(header: _Header, architecture: str, gguf: Mapping[str, object]) -> Architecture:
    count, embedding = header.required("block_count"), header.required("embedding_length")
    if count > MOST_LAYERS:
        raise _Unusable(f"the header says it has {count:,} layers")
    recurrent = _state(header)
    heads = max(header.each("attention.head_count", count) or [0])
    if not heads and not recurrent:
        raise _Unusable("the header does not tell attention.head_count")
    layers = _layers(header, architecture, count, embedding, heads)
    without = sum(1 for layer in layers if not layer.kv_heads)
    return Architecture(
        architecture,
        layers,
        embedding,
        heads,
        header.number("vocab_size") or _VOCABULARIES.get(str(gguf.get("tokenizer.ggml.pre"))),
        header.number("context_length"),
        causal=not _is_encoder(architecture),
        state=recurrent * (without or (0 if heads else count)),
        feed_forward=_feed_forward(header, count),
    )


def _is_encoder(architecture: str) -> bool:
    # A decoder with attention.causal = false keeps its KV cache: the architecture decides.
    return "bert" in architecture or architecture == "gemma-embedding"


def _feed_forward(header: _Header, count: int) -> int | None:
    dense = max(header.each("feed_forward_length", count) or [0])
    used = header.number("expert_used_count") or 0
    expert = header.number("expert_feed_forward_length") or dense
    return max(dense, used * expert) or None


def _layers(
    header: _Header, architecture: str, count: int, embedding: int, heads: int
) -> tuple[Layer, ...]:
    if not heads:
        return tuple(Layer(0, 0, 0) for _ in range(count))
    # DMR drops long lists: without one, each layer is taken to have as many as heads.
    kv_heads = header.each("attention.head_count_kv", count) or [heads] * count
    key = header.number("attention.key_length") or embedding // heads
    value = header.number("attention.value_length") or embedding // heads
    if header.number("attention.key_length_mla"):
        # The values of latent attention are part of its keys, and are not kept twice.
        value = 0
    # The last layers of some networks use the cache of the layers before them.
    own = count - min(count, header.number("attention.shared_kv_layers") or 0)
    kv_heads = [number if place < own else 0 for place, number in enumerate(kv_heads)]
    window, windowed = _window(header, architecture, count)
    key_swa = header.number("attention.key_length_swa") or key
    value_swa = header.number("attention.value_length_swa") or value
    return tuple(
        Layer(number, key_swa, value_swa, window) if has_window else Layer(number, key, value)
        for number, has_window in zip(kv_heads, windowed, strict=True)
    )


def _window(header: _Header, architecture: str, count: int) -> tuple[int | None, list[bool]]:
    """Return the sliding window, and for each layer whether it has it."""
    window = header.number("attention.sliding_window")
    if architecture == "llama4" and not window:
        window = header.number("attention.chunk_size") or _LLAMA4_WINDOW
    if not window or architecture in _IGNORES_WINDOW:
        return None, [False] * count
    pattern = header.text("attention.sliding_window_pattern")
    if pattern and ("true" in pattern.lower() or "false" in pattern.lower()):
        words = [word.strip(" []").lower() == "true" for word in pattern.split(",")]
        return window, (words * count)[:count] if len(words) in {1, count} else [False] * count
    every = _FULL_EVERY.get(architecture)
    if pattern:
        every = header.number("attention.sliding_window_pattern")
    if not every:
        # The layers are not known: that all attend to the whole context errs on the safe side.
        return None, [False] * count
    return window, [layer % every < every - 1 for layer in range(count)]


def _state(header: _Header) -> int:
    """Return the bytes of one recurrent layer for one sequence, in f32 (llama.cpp, Mamba)."""
    inner, size = header.number("ssm.inner_size"), header.number("ssm.state_size")
    if not inner or not size:
        return 0
    kernel = header.number("ssm.conv_kernel") or 1
    groups = header.number("ssm.group_count") or 0
    return 4 * ((kernel - 1) * (inner + 2 * groups * size) + size * inner)

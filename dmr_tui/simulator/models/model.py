"""One model of the simulated catalogue: its facts, its speed, and its JSON."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MIB = 2**20
GIB = 2**30

UBATCH = 512
"""Tokens that an engine computes at once."""

_FILE_TYPES = {"MOSTLY_F16": 1, "MOSTLY_Q8_0": 7, "MOSTLY_Q4_K_M": 15, "MOSTLY_Q6_K": 18}
"""llama.cpp's numbers of quantizations (llama_ftype)."""

_SCALES = (
    (2.0**40, "TiB"),
    (1e12, "TB"),
    (2.0**30, "GiB"),
    (1e9, "GB"),
    (2.0**20, "MiB"),
    (1e6, "MB"),
    (2.0**10, "KiB"),
)


@dataclass(frozen=True, slots=True)
class Layers:
    """The architecture of the network, in the words of the GGUF header."""

    blocks: int
    embedding: int
    feed_forward: int
    heads: int
    kv_heads: int
    vocabulary: int
    key_length: int = 0
    """0: embedding / heads, as the header leaves it out."""
    sliding_window: int = 0
    full_every: int = 1
    """One layer in so many looks at the whole context, the others at the sliding window."""

    @property
    def head_size(self) -> int:
        return self.key_length or self.embedding // self.heads

    def cache_bytes(self, context: int, key_bytes: float = 2.0, value_bytes: float = 2.0) -> int:
        """The KV cache for `context` tokens, of so many bytes an element."""
        full = self.blocks // self.full_every
        window = min(context, self.sliding_window + UBATCH) if self.sliding_window else context
        cells = full * context + (self.blocks - full) * window
        return int(cells * self.kv_heads * self.head_size * (key_bytes + value_bytes))


@dataclass(frozen=True, slots=True)
class Profile:
    """The speed of a model alone on the simulated GPU."""

    decode: float
    """Tokens a second."""
    prefill: float
    """Tokens a second."""
    load_seconds: float


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be installed; `name` is its tag without docker.io/."""

    name: str
    architecture: str
    quantization: str
    parameters: int
    size: int
    """Bytes of the tensors."""
    trained_context: int
    layers: Layers
    profile: Profile
    packaged_context: int | None = None
    """The `config.context_size` that the runner passes on."""
    header: Mapping[str, str] = field(default_factory=dict)
    """More of the GGUF header than `layers` tells; the architecture's keys without its name."""
    format: str = "gguf"
    reasoning: bool = False
    embedding: bool = False
    slots: int = 1
    """The slots of its engine unless a flag says otherwise."""
    served_as: str | None = None
    """A real engine's name for the model, where one answers."""

    @property
    def digest(self) -> str:
        return "sha256:" + hashlib.sha256(self.name.encode()).hexdigest()

    @property
    def backend(self) -> str:
        return "vllm" if self.format == "safetensors" else "llama.cpp"

    @property
    def path(self) -> str:
        """The file that the engine opens, and the model's name in its answers."""
        if self.served_as is not None:
            return self.served_as
        bundle = f"/models/bundles/{self.digest.replace(':', '/')}/model"
        return f"{bundle}/model.gguf" if self.format == "gguf" else bundle

    @property
    def created(self) -> int:
        """Unix seconds, made from the digest so that they are stable."""
        return 1_790_000_000 + int(self.digest[7:13], 16) // 4

    def config(self) -> dict[str, Any]:
        """`config` as `GET /models` shows it."""
        shown: dict[str, Any] = {
            "format": self.format,
            "quantization": self.quantization,
            "parameters": scaled(self.parameters, ((1e9, "B"), (1e6, "M"), (1e3, "K"))),
            "architecture": self.architecture,
            "size": scaled(self.size, _SCALES),
        }
        if self.format == "gguf":
            shown["gguf"] = self._gguf()
        else:
            shown["safetensors"] = {"format": "pt", "tensor_count": str(self.layers.blocks * 11)}
        if self.packaged_context is not None:
            shown["context_size"] = self.packaged_context
        return shown

    def _gguf(self) -> dict[str, str]:
        layers = self.layers
        lengths = {"key_length": layers.key_length, "value_length": layers.key_length}
        attention = {
            "head_count": layers.heads,
            "head_count_kv": layers.kv_heads,
            **(lengths if layers.key_length else {}),
            **({"sliding_window": layers.sliding_window} if layers.sliding_window else {}),
        }
        own = {
            "block_count": layers.blocks,
            "context_length": self.trained_context,
            "embedding_length": layers.embedding,
            "feed_forward_length": layers.feed_forward,
            "vocab_size": layers.vocabulary,
            **{f"attention.{key}": value for key, value in attention.items()},
        }
        named = {self._key(key): str(value) for key, value in {**own, **self.header}.items()}
        general = {
            "general.architecture": self.architecture,
            "general.file_type": str(_FILE_TYPES.get(self.quantization, 0)),
            "general.name": self.name.rpartition("/")[2].partition(":")[0],
            "general.quantization_version": "2",
            "general.type": "model",
        }
        return dict(sorted({**general, **named}.items()))

    def _key(self, key: str) -> str:
        return key if key.startswith(("general.", "tokenizer.")) else f"{self.architecture}.{key}"


def scaled(amount: int, scales: tuple[tuple[float, str], ...]) -> str:
    """`amount` with two decimals in the first of `scales` that it reaches."""
    for scale, unit in scales:
        if amount >= scale:
            return f"{amount / scale:.2f}{unit}"
    return str(amount)

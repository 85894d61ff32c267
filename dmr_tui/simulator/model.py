"""One model of the simulated catalogue: what the runner shows of it, and how it behaves."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MIB = 2**20
GIB = 2**30

UBATCH = 512

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
    """The shape of the network, in the words of the GGUF header."""

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
    """How a model behaves alone on the simulated GPU."""

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
    """What `config.context_size` says and the runner passes on."""
    file_type: int = 15
    header: Mapping[str, str] = field(default_factory=dict)
    """More of the GGUF header than `layers` tells."""
    format: str = "gguf"
    reasoning: bool = False
    embedding: bool = False
    slots: int = 1
    """What its engine runs with unless a flag says otherwise."""
    served_as: str | None = None
    """A real engine's own name for it, when one answers in the simulation's place."""

    @property
    def digest(self) -> str:
        return "sha256:" + hashlib.sha256(self.name.encode()).hexdigest()

    @property
    def backend(self) -> str:
        return "vllm" if self.format == "safetensors" else "llama.cpp"

    @property
    def path(self) -> str:
        """The file that the engine opens, and calls the model in its answers."""
        if self.served_as is not None:
            return self.served_as
        bundle = f"/models/bundles/{self.digest.replace(':', '/')}/model"
        return f"{bundle}/model.gguf" if self.format == "gguf" else bundle

    @property
    def created(self) -> int:
        """Unix seconds; told apart by the digest, so that they are stable."""
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
        shape = self.layers
        lengths = {"key_length": shape.key_length, "value_length": shape.key_length}
        attention = {
            "head_count": shape.heads,
            "head_count_kv": shape.kv_heads,
            **(lengths if shape.key_length else {}),
            **({"sliding_window": shape.sliding_window} if shape.sliding_window else {}),
        }
        own = {
            "block_count": shape.blocks,
            "context_length": self.trained_context,
            "embedding_length": shape.embedding,
            "feed_forward_length": shape.feed_forward,
            "vocab_size": shape.vocabulary,
            **{f"attention.{key}": value for key, value in attention.items()},
        }
        named = {f"{self.architecture}.{key}": str(value) for key, value in own.items()}
        general = {
            "general.architecture": self.architecture,
            "general.file_type": str(self.file_type),
            "general.name": self.name.rpartition("/")[2].partition(":")[0],
            "general.quantization_version": "2",
            "general.type": "model",
        }
        return dict(sorted({**general, **named, **self.header}.items()))


def scaled(amount: int, scales: tuple[tuple[float, str], ...]) -> str:
    """`amount` with two decimals in the first of `scales` that it reaches."""
    for scale, unit in scales:
        if amount >= scale:
            return f"{amount / scale:.2f}{unit}"
    return str(amount)

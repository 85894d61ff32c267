"""What `docker model configure` sets for a runner."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from dmr_tui.simulator.exchange import Refused
from dmr_tui.simulator.golang import keep_alive_text, parse_keep_alive

MODES = ("completion", "embedding", "reranking", "image-generation")

_ALLOWED = """
-t --threads -tb --threads-batch -c --ctx-size -n --predict --n-predict --keep -b --batch-size
-ub --ubatch-size -fa --flash-attn -s --seed --temp --temperature --top-k --top-p --min-p
--repeat-penalty -ngl --gpu-layers --n-gpu-layers -sm --split-mode -ts --tensor-split -mg
--main-gpu --fit -kvo --kv-offload -nkvo --no-kv-offload -ctk --cache-type-k -ctv
--cache-type-v --mlock --mmap --no-mmap -cram --cache-ram -kvu --kv-unified --context-shift
--rope-scaling --rope-scale --rope-freq-base -np --parallel -cb --cont-batching --no-warmup
-to --timeout --cache-prompt --no-cache-prompt --cache-reuse --embeddings --reranking
--pooling --jinja --reasoning-budget --reasoning-format -v --verbose
"""
_ALLOWED_FLAGS = frozenset(_ALLOWED.split())


@dataclass(frozen=True, slots=True)
class RunnerConfig:
    """The settings of one runner; None and empty are not set."""

    context_size: int | None = None
    runtime_flags: tuple[str, ...] = ()
    keep_alive: int | None = None
    """Nanoseconds; golang.FOREVER for never."""
    other: Mapping[str, Any] = field(default_factory=dict)
    """`speculative`, `vllm`, `llamacpp`: kept and shown, without effect."""

    def shown(self) -> dict[str, Any]:
        """As the runner shows it."""
        keep_alive = None if self.keep_alive is None else keep_alive_text(self.keep_alive)
        parts = {
            "context-size": self.context_size,
            "runtime-flags": list(self.runtime_flags) or None,
            "speculative": self.other.get("speculative"),
            "keep_alive": keep_alive,
            "vllm": self.other.get("vllm"),
            "llamacpp": self.other.get("llamacpp"),
        }
        return {key: value for key, value in parts.items() if value is not None}

    def flag(self, *names: str) -> int | None:
        """The number behind one of the flags `names`."""
        word = self.word(*names)
        return int(word) if word is not None and word.lstrip("-").isdigit() else None

    def word(self, *names: str) -> str | None:
        """The word behind the last of the flags `names`."""
        flags = list(self.runtime_flags)
        pairs = [(name, value) for name, value in pairwise(flags)]
        pairs += [(name, value) for name, _, value in (flag.partition("=") for flag in flags)]
        return next((value for name, value in reversed(pairs) if name in names and value), None)

    @property
    def verbose(self) -> bool:
        """Whether the engine prints all it knows."""
        return bool({"-v", "--verbose"} & set(self.runtime_flags))


@dataclass(frozen=True, slots=True)
class Configure:
    """A request to configure the runner of `model` in `mode`."""

    model: str
    mode: str
    config: RunnerConfig


def read_configure(body: bytes, backend: str) -> Configure:
    """The body of `POST …/_configure`. Raises Refused."""
    try:
        request = json.loads(body)
        configure = _decode(request)
    except (ValueError, TypeError) as error:
        raise Refused(400, "invalid request") from error
    for flag in configure.config.runtime_flags:
        name = flag.partition("=")[0]
        if name.startswith("-") and not name[1:].isdigit() and name not in _ALLOWED_FLAGS:
            text = f'runtime flag "{name}" is not allowed for backend "{backend}"'
            raise Refused(500, text)
    return configure


def _decode(request: Any) -> Configure:
    if not isinstance(request, dict):
        raise TypeError
    context = _typed(request, "context-size", int)
    flags = _typed(request, "runtime-flags", list) or []
    raw = _typed(request, "raw-runtime-flags", str)
    if raw and not flags:
        flags = shlex.split(raw)
    keep_alive = _typed(request, "keep_alive", str)
    mode = _typed(request, "mode", str)
    if mode is None:
        mode = "embedding" if "--embeddings" in flags else "completion"
    if mode not in MODES or not all(isinstance(flag, str) for flag in flags):
        raise TypeError
    config = RunnerConfig(
        context_size=context,
        runtime_flags=tuple(flags),
        keep_alive=None if keep_alive is None else parse_keep_alive(keep_alive),
        other={key: request[key] for key in ("speculative", "vllm", "llamacpp") if key in request},
    )
    return Configure(_typed(request, "model", str) or "", mode, config)


def _typed(request: dict[str, Any], key: str, kind: type) -> Any:
    value = request.get(key)
    if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
        raise TypeError(key)
    return value

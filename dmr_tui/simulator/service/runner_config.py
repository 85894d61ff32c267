"""The settings of a runner, as `docker model configure` makes them."""

import shlex
from itertools import pairwise
from typing import Any, Literal, get_args

import msgspec

from dmr_tui.simulator.connection import Refused
from dmr_tui.simulator.engine.launch import CACHE_BYTES, Launch
from dmr_tui.simulator.golang import keep_alive_text, parse_keep_alive
from dmr_tui.simulator.models.model import Model

Mode = Literal["completion", "embedding", "reranking", "image-generation"]
MODES: tuple[Mode, ...] = get_args(Mode)

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


class RunnerConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """The settings of one runner, as it shows them; None and empty are not set."""

    context_size: int | None = msgspec.field(default=None, name="context-size")
    runtime_flags: tuple[str, ...] = msgspec.field(default=(), name="runtime-flags")
    speculative: Any = None
    """Kept and shown, without effect, as `vllm` and `llamacpp`."""
    keep_alive: int | None = None
    """Nanoseconds; golang.FOREVER for never."""
    vllm: Any = None
    llamacpp: Any = None

    def shown(self) -> dict[str, Any]:
        """The settings as the runner shows them."""
        shown: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        if self.keep_alive is not None:
            shown["keep_alive"] = keep_alive_text(self.keep_alive)
        return shown

    def launch(self, model: Model) -> Launch:
        """The launch of a runner of `model`; without any context it is the trained one."""
        passed = self.context_size
        if passed is None or (passed <= 0 and passed != -1):
            passed = model.packaged_context
        wanted = self.flag("-c", "--ctx-size") or passed
        layers = self.flag("-ngl", "--gpu-layers", "--n-gpu-layers")
        return Launch(
            wanted if wanted is not None and wanted > 0 else model.trained_context,
            max(1, self.flag("-np", "--parallel") or model.slots),
            passed,
            CACHE_BYTES.get(self.word("-ctk", "--cache-type-k") or "f16", 2.0),
            CACHE_BYTES.get(self.word("-ctv", "--cache-type-v") or "f16", 2.0),
            layers if layers is not None and layers >= 0 else None,
        )

    def flag(self, *names: str) -> int | None:
        """The number behind one of the flags `names`."""
        word = self.word(*names)
        return int(word) if word is not None and word.lstrip("-").isdigit() else None

    def word(self, *names: str) -> str | None:
        """The word behind the last of the flags `names`."""
        words = [word for flag in self.runtime_flags for word in flag.split("=", 1)]
        pairs = reversed(list(pairwise(words)))
        return next((value for name, value in pairs if name in names and value), None)

    @property
    def verbose(self) -> bool:
        """The engine prints all it knows."""
        return bool({"-v", "--verbose"} & set(self.runtime_flags))


class _Body(msgspec.Struct):
    model: str | None = None
    mode: Mode | None = None
    context: int | None = msgspec.field(default=None, name="context-size")
    flags: list[str] | None = msgspec.field(default=None, name="runtime-flags")
    raw_flags: str | None = msgspec.field(default=None, name="raw-runtime-flags")
    keep_alive: str | None = None
    speculative: Any = None
    vllm: Any = None
    llamacpp: Any = None


def read_configure(body: bytes, backend: str) -> tuple[str, Mode, RunnerConfig]:
    """The model's name, the mode and the settings of `POST …/_configure`. Raises Refused."""
    try:
        asked = msgspec.json.decode(body, type=_Body)
        flags = asked.flags or shlex.split(asked.raw_flags or "")
        keep_alive = None if asked.keep_alive is None else parse_keep_alive(asked.keep_alive)
    except ValueError as error:
        raise Refused(400, "invalid request") from error
    for flag in flags:
        name = flag.partition("=")[0]
        if name.startswith("-") and not name[1:].isdigit() and name not in _ALLOWED_FLAGS:
            raise Refused(500, f'runtime flag "{name}" is not allowed for backend "{backend}"')
    other = (asked.vllm, asked.llamacpp)
    config = RunnerConfig(asked.context, tuple(flags), asked.speculative, keep_alive, *other)
    mode = asked.mode or ("embedding" if "--embeddings" in flags else "completion")
    return asked.model or "", mode, config

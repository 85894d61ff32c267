"""Joins what is installed, what is loaded and what the log says into one row for each model."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from dmr_tui.runner.names import Names, digest_in, short
from dmr_tui.runner.units import (
    DEFAULT_KEEP_ALIVE_S,
    FOREVER,
    keep_alive_seconds,
    parameter_count,
    size_bytes,
)
from dmr_tui.runner.wire import Configured, Model, ModelConfig, Running
from dmr_tui.state.engine_facts import EngineFacts
from dmr_tui.state.frozen import frozen
from dmr_tui.state.model_row import Context, ModelRow, Run

_EMBEDDING_ARCHITECTURES = (
    "bert",
    "nomic-bert",
    "jina-bert",
    "roberta",
    "gemma-embedding",
    "t5enc",
)

DIGITS = 18


@dataclass(frozen=True, slots=True)
class Loaded:
    """The runners at one moment, as far as they are known; times by the runner's clock."""

    ps: Sequence[Running] = ()
    since: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """By (name in ps, mode): when it was first seen loading or busy."""
    facts: Mapping[str, EngineFacts] = field(default_factory=dict)
    request_contexts: Mapping[str, int] = field(default_factory=dict)
    configured: Sequence[Configured] = ()
    clock_offset: float = 0.0


def configs_by_model(configured: Iterable[Configured]) -> dict[str, Configured]:
    """The configuration of each model, by its digest: of several modes that of its chats."""
    ordered = sorted(configured, key=lambda each: each.mode == "completion")
    return {each.model_id: each for each in ordered}


class Installed:
    """The installed models, read once for each answer of `GET /models`."""

    def __init__(self, models: Iterable[Model]) -> None:
        self.models = list(models)
        self.names = Names((model.id, model.tags or ()) for model in self.models)
        self._rows = tuple(_installed_row(model) for model in self.models)

    def row(self, name: str) -> ModelRow | None:
        """The model that `name` means, without what is loaded of it."""
        digest = self.names.digest(name)
        return next((row for row in self._rows if row.key == digest), None)

    def rows(self, loaded: Loaded = Loaded()) -> tuple[ModelRow, ...]:
        """One row for each model, loaded ones first, then by name."""
        runs: dict[str, list[Running]] = defaultdict(list)
        for running in loaded.ps:
            runs[self.names.digest(running.model_name) or running.model_name].append(running)
        configs = configs_by_model(loaded.configured)
        rows = []
        for row in self._rows:
            own = runs.pop(row.key, [])
            config = configs.get(row.key)
            rows.append(_with_runs(row, own, config, loaded) if own or config else row)
        rows += [_with_runs(_unmatched(key), own, None, loaded) for key, own in runs.items()]
        return tuple(sorted(rows, key=lambda row: (not row.runs, row.name, row.key)))


def _installed_row(model: Model) -> ModelRow:
    config = model.config or ModelConfig()
    tags = model.tags or ()
    ref = tags[0].removeprefix("docker.io/") if tags else model.id
    gguf = config.gguf or {}
    architecture = config.architecture or _text(gguf.get("general.architecture"))
    return ModelRow(
        key=model.id,
        name=short(tags[0] if tags else model.id),
        ref=ref,
        digest=model.id,
        model=_frozen(model),
        parameters=parameter_count(config.parameters),
        quantization=_quantization(config.quantization),
        size_bytes=size_bytes(config.size),
        size_text=config.size,
        architecture=architecture,
        embedding=_makes_embeddings(architecture, gguf),
        context=Context(
            trained=_number(gguf.get(f"{architecture}.context_length")),
            packaged=config.context_size,
        ),
    )


def _frozen(model: Model) -> Model:
    """Return `model` as it goes into Snapshots: nothing in it can be changed."""
    config = model.config
    if config is not None:
        gguf, safetensors = (each and frozen(each) for each in (config.gguf, config.safetensors))
        config = msgspec.structs.replace(config, gguf=gguf, safetensors=safetensors)
    tags = None if model.tags is None else tuple(model.tags)
    return msgspec.structs.replace(model, tags=tags, config=config)


def _unmatched(name: str) -> ModelRow:
    digest = digest_in(name)
    return ModelRow(key=name, name=short(name), ref=name, digest=digest)


def _with_runs(
    row: ModelRow, own: list[Running], config: Configured | None, loaded: Loaded
) -> ModelRow:
    effective, source, slots = None, "", None
    chats = any(running.mode == "completion" and not running.loading for running in own)
    if chats and row.digest is not None:
        facts = loaded.facts.get(row.digest)
        if facts is not None and facts.context is not None:
            effective, source, slots = facts.context, "engine log", facts.slots
        elif row.digest in loaded.request_contexts:
            effective, source = loaded.request_contexts[row.digest], "config of its last call"
    return replace(
        row,
        context=replace(
            row.context,
            configured=config.config.context_size if config else None,
            effective=effective,
            effective_source=source,
            slots=slots,
        ),
        runs=tuple(
            _run(running, loaded) for running in sorted(own, key=lambda r: (r.mode, r.backend_name))
        ),
    )


def _run(running: Running, loaded: Loaded) -> Run:
    since = loaded.since.get((running.model_name, running.mode))
    local = None if since is None else since - loaded.clock_offset
    if running.loading:
        return Run(running.backend_name, running.mode, "loading", local)
    if running.in_use:
        return Run(running.backend_name, running.mode, "busy", local)
    keep_alive = keep_alive_seconds(running.keep_alive) if running.keep_alive else None
    if keep_alive is None:
        keep_alive = DEFAULT_KEEP_ALIVE_S
    used = running.last_used
    known = used is not None and used.year > 1
    unloads_at = None
    if used is not None and known and keep_alive != FOREVER:
        unloads_at = used.timestamp() + keep_alive - loaded.clock_offset
    return Run(
        running.backend_name,
        running.mode,
        "idle",
        unloads_at=unloads_at,
        never_unloads=keep_alive == FOREVER,
    )


def _makes_embeddings(architecture: str | None, gguf: Mapping[str, object]) -> bool:
    if architecture is None:
        return False
    pooling = _text(gguf.get(f"{architecture}.pooling_type"))
    return architecture in _EMBEDDING_ARCHITECTURES or pooling not in {None, "", "0"}


def _quantization(text: str | None) -> str | None:
    # GGUF file types are called "MOSTLY_Q4_K_M" where the model card says Q4_K_M.
    return text.removeprefix("MOSTLY_").removeprefix("MODEL_") if text else None


def _number(value: object) -> int | None:
    text = _text(value)
    # Longer ones mean nothing, and cannot even be divided.
    whole = text is not None and text.isdecimal() and len(text) <= DIGITS
    return int(text) if text is not None and whole else None


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None

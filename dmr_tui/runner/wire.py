"""The answers of Docker Model Runner, in every version seen; unknown fields are skipped."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct, field

Whole = Annotated[int, Meta(ge=-(2**53), le=2**53)]
"""A number that every reader of JSON and SQLite keep exactly; a larger one means nothing."""
Count = Annotated[int, Meta(ge=0, le=2**53)]
Milliseconds = Annotated[float, Meta(ge=0, le=1e12)]
LAST_MOMENT = 253_370_764_800
"""The year 9999 in seconds since 1970; there is no later one in any calendar of Python's."""
Seconds = Annotated[int, Meta(ge=-62_135_596_800, le=LAST_MOMENT)]
"""Since 1970; Go's zero time is the lowest."""
DEEPEST = 50
"""Lists and objects in one another, in a part of an answer that may hold any JSON."""


def shallow(*values: Any, deepest: int = DEEPEST) -> None:
    """Raise ValueError for JSON that is too deep for what looks through it, part by part."""
    level = list(values)
    for _ in range(deepest):
        holders = [each for each in level if isinstance(each, Mapping | list)]
        if not holders:
            return
        level = [
            part
            for each in holders
            for part in (each.values() if isinstance(each, Mapping) else each)
        ]
    raise ValueError(f"more than {deepest} lists and objects in one another")


class Version(Struct, frozen=True):
    """`GET /version`, since 2026."""

    version: str


class ModelConfig(Struct, frozen=True):
    """The packaged configuration of a model; ModelPack models lack most of it."""

    format: str | None = None
    quantization: str | None = None
    parameters: str | None = None
    architecture: str | None = None
    size: str | None = None
    context_size: Whole | None = None
    gguf: Mapping[str, Any] | None = None
    safetensors: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        shallow(self.gguf, self.safetensors)


class Model(Struct, frozen=True):
    """One entry of `GET /models`."""

    id: str
    tags: Sequence[str] | None = None
    created: Seconds | None = None
    config: ModelConfig | None = None


class Running(Struct, frozen=True):
    """One entry of `GET /engines/ps`: a backend runner in one mode; the order is random."""

    backend_name: str
    model_name: str
    mode: str
    last_used: datetime | None = None
    in_use: bool = False
    loading: bool = False
    keep_alive: str | None = None


class DiskUsage(Struct, frozen=True):
    """`GET /engines/df`, bytes."""

    models_disk_usage: Count


class RunnerConfig(Struct, frozen=True):
    """The configuration that `docker model configure` or Compose set for a model."""

    context_size: Whole | None = field(default=None, name="context-size")
    runtime_flags: list[str] | None = field(default=None, name="runtime-flags")
    keep_alive: str | None = None


class Configured(Struct, frozen=True):
    """One entry of `GET /engines/_configure`; the keys are capitalised there."""

    backend: str = field(name="Backend")
    model: str = field(name="Model")
    model_id: str = field(name="ModelID")
    mode: str = field(name="Mode")
    config: RunnerConfig = field(name="Config", default=RunnerConfig())


class StoredConfig(Struct, frozen=True):
    """`Configured` with the configuration as it is stored, to be changed and sent back."""

    model_id: str = field(name="ModelID")
    mode: str = field(name="Mode")
    config: dict[str, Any] = field(name="Config", default_factory=dict)

    def __post_init__(self) -> None:
        shallow(self.config)


class Unloaded(Struct, frozen=True):
    """`POST /engines/unload`."""

    unloaded_runners: Count = 0


class PullLayer(Struct, frozen=True):
    """The progress of one part of a model; bytes."""

    id: str = ""
    size: Count = 0
    current: Count = 0


class PullLine(Struct, frozen=True):
    """One line of `POST /models/create`."""

    type: str
    """"progress", "success", "warning" or "error"."""
    message: str = ""
    total: Count = 0
    """Bytes of all parts together."""
    layer: PullLayer = PullLayer()


class Removal(Struct, frozen=True):
    """One entry of the answer to `DELETE /models/…`: a name that went, or the model itself."""

    untagged: str | None = field(name="Untagged", default=None)
    deleted: str | None = field(name="Deleted", default=None)


class Record(Struct, frozen=True):
    """One request as the recorder keeps it; the bodies are JSON inside JSON."""

    id: str
    model: str
    url: str = ""
    request: str = ""
    response: str = ""
    error: str = ""
    timestamp: Seconds = 0
    status_code: Annotated[int, Meta(ge=0, le=999)] = 0
    user_agent: str = ""
    origin: str = ""


class RecordGroup(Struct, frozen=True):
    """The records of one model: `GET /engines/requests`, and each event of its feed.

    `model` is the digest, but in `new_request` events the name that the caller wrote.
    """

    model: str
    count: Count = 0
    config: RunnerConfig = RunnerConfig()
    records: list[Record] | None = None


class Timings(Struct, frozen=True):
    """llama.cpp's own stopwatch; milliseconds.

    Derived fields are left out on purpose: `predicted_per_second` divides by n or by n - 1,
    depending on the build.
    """

    prompt_n: Count | None = None
    prompt_ms: Milliseconds | None = None
    predicted_n: Count | None = None
    predicted_ms: Milliseconds | None = None
    cache_n: Count | None = None
    draft_n: Count | None = None
    draft_n_accepted: Count | None = None


class PromptDetails(Struct, frozen=True):
    """The cached part of a prompt."""

    cached_tokens: Count | None = None


class Usage(Struct, frozen=True):
    """Token counts, as OpenAI or (second half) as Anthropic names them."""

    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    prompt_tokens_details: PromptDetails | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None


class Delta(Struct, frozen=True):
    """The new part of a streamed message; vLLM names the reasoning `reasoning`."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[Any] | None = None


class Choice(Struct, frozen=True):
    """One choice of a streamed or whole answer."""

    finish_reason: str | None = None
    delta: Delta | None = None
    message: Delta | None = None
    text: str | None = None


class PromptProgress(Struct, frozen=True):
    """The progress of the prefill, in tokens."""

    total: Count
    processed: Count
    cache: Count = 0


class Chunk(Struct, frozen=True):
    """One event of a streamed chat completion, or the whole of one that is not streamed."""

    choices: list[Choice] = []
    usage: Usage | None = None
    timings: Timings | None = None
    prompt_progress: PromptProgress | None = None
    error: Any = None

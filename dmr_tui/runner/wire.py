"""The answers of Docker Model Runner, in every version seen; unknown fields are skipped."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, field


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
    context_size: int | None = None
    gguf: Mapping[str, Any] | None = None
    safetensors: Mapping[str, Any] | None = None


class Model(Struct, frozen=True):
    """One entry of `GET /models`."""

    id: str
    tags: Sequence[str] | None = None
    created: int | None = None
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

    models_disk_usage: int


class RunnerConfig(Struct, frozen=True):
    """The configuration that `docker model configure` or Compose set for a model."""

    context_size: int | None = field(default=None, name="context-size")
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


class Unloaded(Struct, frozen=True):
    """`POST /engines/unload`."""

    unloaded_runners: int = 0


class PullLayer(Struct, frozen=True):
    """The progress of one part of a model; bytes."""

    id: str = ""
    size: int = 0
    current: int = 0


class PullLine(Struct, frozen=True):
    """One line of `POST /models/create`."""

    type: str
    """"progress", "success", "warning" or "error"."""
    message: str = ""
    total: int = 0
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
    timestamp: int = 0
    status_code: int = 0
    user_agent: str = ""
    origin: str = ""


class RecordGroup(Struct, frozen=True):
    """The records of one model: `GET /engines/requests`, and each event of its feed.

    `model` is the digest, but in `new_request` events the name that the caller wrote.
    """

    model: str
    count: int = 0
    config: RunnerConfig = RunnerConfig()
    records: list[Record] | None = None


class Timings(Struct, frozen=True):
    """llama.cpp's own stopwatch; milliseconds.

    Derived fields are left out on purpose: `predicted_per_second` divides by n or by n - 1,
    depending on the build.
    """

    prompt_n: int | None = None
    prompt_ms: float | None = None
    predicted_n: int | None = None
    predicted_ms: float | None = None
    cache_n: int | None = None
    draft_n: int | None = None
    draft_n_accepted: int | None = None


class PromptDetails(Struct, frozen=True):
    """The cached part of a prompt."""

    cached_tokens: int | None = None


class Usage(Struct, frozen=True):
    """Token counts, as OpenAI or (second half) as Anthropic names them."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None


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

    total: int
    processed: int
    cache: int = 0


class Chunk(Struct, frozen=True):
    """One event of a streamed chat completion, or the whole of one that is not streamed."""

    choices: list[Choice] = []
    usage: Usage | None = None
    timings: Timings | None = None
    prompt_progress: PromptProgress | None = None
    error: Any = None

"""The events in the runner's log; times by the runner's clock, 0.0 if the line has none."""

from msgspec import Struct

SAME_ENGINE_S = 1.0
"""Most seconds by which the beginning of one engine may vary, as lines come late."""
DISTINCT_S = 0.03
"""Least seconds by which the second best engine has to fit worse than the best."""


class LogEvent(Struct, frozen=True):
    """An event of the log."""

    at: float


class RunnerStarted(LogEvent, frozen=True):
    """The runner's process began; it has forgotten every configuration."""


class RunnerStopping(LogEvent, frozen=True):
    """The runner was asked to end; it unloads everything, partly before it says this."""


class ModelRequested(LogEvent, frozen=True):
    """A request, or a preload, is about to use a model; it may be loaded already."""

    digest: str | None
    mode: str


class LoadStarted(LogEvent, frozen=True):
    """The runner starts an engine process."""

    backend: str
    digest: str | None
    context_size: int | None
    """The runner's --ctx-size; None if it leaves it to the engine."""
    mode: str = "completion"
    """By the arguments: a pooling vLLM may also be one that ranks."""
    address: str = ""
    """The address at which the engine will listen: it alone tells two loads at once apart."""


class SlotsReady(LogEvent, frozen=True):
    """The engine has so many slots, each with a context window in tokens."""

    slots: int
    context: int
    born: float | None = None
    """The start of this engine, by its own stopwatch; the same for all lines of one engine."""


class Loaded(LogEvent, frozen=True):
    """The engine has read the model."""

    born: float | None = None


class Listening(LogEvent, frozen=True):
    """The engine takes requests; llama.cpp says so right after it has read the model."""

    address: str
    """Empty for the backends whose line does not have it."""
    born: float | None = None


class LoadFailed(LogEvent, frozen=True):
    """A load ended badly: first the engine says so, without a digest, then the runner."""

    digest: str | None = None
    mode: str = ""
    error: str = ""


class EngineExited(LogEvent, frozen=True):
    """An engine process ended without being asked to, while it loaded or later."""

    model: str
    """As the request that loaded it wrote it."""
    error: str
    """Its last output: up to 1,024 bytes of any content."""


class Unloaded(LogEvent, frozen=True):
    """A model was unloaded: idle too long, asked for, or to make room."""

    digest: str | None
    mode: str
    model: str = ""
    """As the request that loaded it wrote it."""
    uninstalled: bool = False
    """True if its backend is being removed."""


class EvictingForRoom(LogEvent, frozen=True):
    """Every runner slot is taken: the runner unloads all idle models, if there are any."""

    taken: int | None = None
    """Models that are loaded or being loaded: all that there can be."""


class Evicted(LogEvent, frozen=True):
    """The end of a search through all models: for idle ones, to make room, or `unload --all`.

    An unload of named models, a new configuration and a dead engine do not end with this line.
    """

    count: int


class NothingToUnload(LogEvent, frozen=True):
    """A model has no idle engine in one mode: one line for each mode of an unload by name."""

    digest: str | None


class Configuring(LogEvent, frozen=True):
    """A model has a new configuration, as a whole."""

    digest: str | None
    model: str
    """The text there if it is no digest: the name of a model that is not installed."""


class OllamaOptions(LogEvent, frozen=True):
    """A request of the Ollama API has options, which will replace the whole configuration."""

    model: str


class ConfigurationKept(LogEvent, frozen=True):
    """A new configuration was not taken: it equals the old one, or the model is busy."""


class OutOfMemory(LogEvent, frozen=True):
    """An engine could not get memory; one failure may make several lines."""

    text: str


class ErrorLine(LogEvent, frozen=True):
    """An error that is no other event."""

    text: str
    model: str = ""
    engine: bool = False


class TaskLaunched(LogEvent, frozen=True):
    """A slot of an engine begins with a request; an engine counts its own tasks from 0."""

    slot: int
    task: int
    born: float | None = None


class _TaskTimed(LogEvent, frozen=True):
    slot: int
    task: int
    ms: float
    """Printed with two decimals."""
    tokens: int
    born: float | None = None


class PromptTimed(_TaskTimed, frozen=True):
    """The prefill of a task that ended by itself."""


class DecodeTimed(_TaskTimed, frozen=True):
    """The decode of the same task, one line later."""


class TaskReleased(LogEvent, frozen=True):
    """A slot is free again."""

    slot: int
    task: int
    tokens: int
    """Tokens that the slot's context holds now."""
    born: float | None = None


class TaskCancelled(LogEvent, frozen=True):
    """The caller is gone; also for tasks that never got a slot, or that have just ended."""

    task: int
    born: float | None = None


class BufferAllocated(LogEvent, frozen=True):
    """The bytes of one kind of an engine's memory on one device, while it loads."""

    device: str
    """llama.cpp's name: "CPU", "CPU_Mapped", "CUDA0", "Metal" …"""
    kind: str
    """"weights", "cache" or "compute"; "output" for the small logits buffer."""
    size: int
    """Bytes; llama.cpp prints MiB with two decimals."""
    born: float | None = None


class DeviceSummed(LogEvent, frozen=True):
    """A row of an engine's table of its memory: one device, in whole MiB.

    The same table is printed before the load, for a plan that may be changed.
    """

    device: str
    """"CUDA0", "Host" …"""
    weights: int
    """Bytes, as the other two."""
    cache: int
    compute: int
    born: float | None = None


class LayersOffloaded(LogEvent, frozen=True):
    """The layers that an engine put on a GPU."""

    layers: int
    of: int
    born: float | None = None

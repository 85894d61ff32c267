"""What a line of the runner's log can tell; times by the runner's clock, 0.0 if it has none."""

from dataclasses import dataclass

SAME_ENGINE_S = 1.0
"""Most by which the beginning of one engine may differ from line to line, as lines come late."""
TELLS_APART_S = 0.03
"""Least by which the next engine has to fit worse."""


@dataclass(frozen=True, slots=True)
class RunnerStarted:
    """The first line of a runner's process; it has forgotten every configuration."""

    at: float


@dataclass(frozen=True, slots=True)
class RunnerStopping:
    """The runner was asked to end; it unloads everything, partly before it says this."""

    at: float


@dataclass(frozen=True, slots=True)
class ModelWanted:
    """A call, or a preload, is about to use a model; it may be loaded already."""

    at: float
    digest: str | None
    mode: str


@dataclass(frozen=True, slots=True)
class LoadStarted:
    """The runner starts an engine process."""

    at: float
    backend: str
    digest: str | None
    context_size: int | None
    """What the runner passes as --ctx-size; None if it leaves it to the engine."""
    mode: str = "completion"
    """As the arguments tell it: a pooling vLLM may also be one that ranks."""
    address: str = ""
    """Where the engine will listen: the one thing by which two loads at once can be told apart."""


@dataclass(frozen=True, slots=True)
class SlotsReady:
    """The engine says how many slots it has and the context window of each, in tokens."""

    at: float
    slots: int
    context: int
    born: float | None = None
    """When this engine began, by its own stopwatch; the same for all lines of one engine."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The engine has read the model."""

    at: float
    born: float | None = None


@dataclass(frozen=True, slots=True)
class Listening:
    """The engine takes calls; llama.cpp says so right after it has read the model."""

    at: float
    address: str
    """Empty for the backends that do not say it in this line."""
    born: float | None = None


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """A load ended badly: first the engine says so, without a digest, then the runner."""

    at: float
    digest: str | None = None
    mode: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class EngineExited:
    """An engine process ended without being asked to, while it loaded or later."""

    at: float
    model: str
    """As the call that loaded it wrote it."""
    error: str
    """Its last words: up to 1,024 bytes, whatever they are."""


@dataclass(frozen=True, slots=True)
class Unloaded:
    """A runner was evicted: idle too long, asked for, or to make room."""

    at: float
    digest: str | None
    mode: str
    model: str = ""
    """As the call that loaded it wrote it."""
    uninstalled: bool = False
    """Whether its backend is being removed."""


@dataclass(frozen=True, slots=True)
class EvictingForRoom:
    """Every slot of the runner is taken: it evicts all idle models, if there are any."""

    at: float
    taken: int | None = None
    """Models that are loaded or being loaded, which is how many there can be."""


@dataclass(frozen=True, slots=True)
class Evicted:
    """The end of a look at all models: idle ones, to make room, or `unload --all`.

    An unload of named models, a new configuration and a dead engine do not end with this line.
    """

    at: float
    count: int


@dataclass(frozen=True, slots=True)
class NothingToUnload:
    """A model has no idle runner in one mode: one line for each mode of an unload by name."""

    at: float
    digest: str | None


@dataclass(frozen=True, slots=True)
class Configuring:
    """A model has a new configuration, as a whole."""

    at: float
    digest: str | None
    model: str
    """What stands there if it is no digest: the name of a model that is not installed."""


@dataclass(frozen=True, slots=True)
class OllamaOptions:
    """A call of the Ollama API brings options, which will replace the whole configuration."""

    at: float
    model: str


@dataclass(frozen=True, slots=True)
class ConfigurationKept:
    """Nothing came of a new configuration: it is the old one, or the model is busy."""

    at: float


@dataclass(frozen=True, slots=True)
class OutOfMemory:
    """An engine could not get memory; several lines may tell of one failure."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class ErrorLine:
    """An error that no other event tells of."""

    at: float
    text: str
    model: str = ""
    engine: bool = False


@dataclass(frozen=True, slots=True)
class TaskLaunched:
    """A slot of an engine begins with a call; an engine counts its own tasks from 0."""

    at: float
    slot: int
    task: int
    born: float | None = None


@dataclass(frozen=True, slots=True)
class PromptTimed:
    """The prefill of a task that ended by itself, as it is printed: with two decimals."""

    at: float
    slot: int
    task: int
    ms: float
    tokens: int
    born: float | None = None


@dataclass(frozen=True, slots=True)
class DecodeTimed:
    """The decode of the same task, one line later."""

    at: float
    slot: int
    task: int
    ms: float
    tokens: int
    born: float | None = None


@dataclass(frozen=True, slots=True)
class TaskReleased:
    """The slot is free again."""

    at: float
    slot: int
    task: int
    tokens: int
    """How many the slot's context holds now."""
    born: float | None = None


@dataclass(frozen=True, slots=True)
class TaskCancelled:
    """The caller is gone; also said of tasks that never got a slot, or that have just ended."""

    at: float
    task: int
    born: float | None = None


@dataclass(frozen=True, slots=True)
class BufferAllocated:
    """An engine says how many bytes one kind of its memory takes on one device, while it loads."""

    at: float
    device: str
    """As llama.cpp calls it: "CPU", "CPU_Mapped", "CUDA0", "Metal" …"""
    kind: str
    """"weights", "cache" or "compute"; "output" for the small logits buffer."""
    size: int
    """Bytes; llama.cpp prints MiB with two decimals."""
    born: float | None = None


@dataclass(frozen=True, slots=True)
class DeviceSummed:
    """A row of the table in which an engine sums up its memory on one device, in whole MiB.

    The same table is printed before the load, for a plan that may be changed.
    """

    at: float
    device: str
    """"CUDA0", "Host" …"""
    weights: int
    """Bytes, as the other two."""
    cache: int
    compute: int
    born: float | None = None


@dataclass(frozen=True, slots=True)
class LayersOffloaded:
    """How many layers an engine put on a GPU."""

    at: float
    layers: int
    of: int
    born: float | None = None


LogEvent = (
    RunnerStarted
    | RunnerStopping
    | ModelWanted
    | LoadStarted
    | SlotsReady
    | Loaded
    | Listening
    | LoadFailed
    | EngineExited
    | Unloaded
    | EvictingForRoom
    | Evicted
    | NothingToUnload
    | Configuring
    | OllamaOptions
    | ConfigurationKept
    | OutOfMemory
    | ErrorLine
    | TaskLaunched
    | PromptTimed
    | DecodeTimed
    | TaskReleased
    | TaskCancelled
    | BufferAllocated
    | DeviceSummed
    | LayersOffloaded
)

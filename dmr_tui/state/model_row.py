"""One row for each model, installed or loaded or both."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from dmr_tui.runner.wire import Model


class Run(Struct, frozen=True):
    """One backend runner: a model loaded in one mode."""

    backend: str
    mode: str
    state: Literal["loading", "busy", "idle"]
    since: float | None = None
    """Time at which it began to load or to be busy, if that was observed."""
    unloads_at: float | None = None
    """None while busy, and if it never unloads."""
    never_unloads: bool = False


class Context(Struct, frozen=True):
    """The context windows of a model, in tokens; each from another source."""

    trained: int | None = None
    """By the GGUF metadata."""
    packaged: int | None = None
    """By the package."""
    configured: int | None = None
    """By `docker model configure` or Compose."""
    effective: int | None = None
    """The window that the engine really gave each slot."""
    effective_source: str = ""
    slots: int | None = None


class ModelRow(Struct, frozen=True):
    """One model, installed or loaded or both."""

    key: str
    """The digest; for a loaded model that matches no installed one, the name in the request."""
    name: str
    """Its first name, as short as possible without ambiguity; more names do not change it."""
    ref: str
    """The name of this model in a request."""
    digest: str | None
    model: Model | None = None
    """The runner's whole entry; None if the model is not installed."""
    parameters: int | None = None
    quantization: str | None = None
    size_bytes: int | None = None
    size_text: str | None = None
    """The size as the runner prints it."""
    architecture: str | None = None
    embedding: bool = False
    """True if it makes embeddings and cannot chat."""
    context: Context = Context()
    runs: tuple[Run, ...] = ()

    @property
    def loaded(self) -> bool:
        """True if an engine has loaded it."""
        return any(run.state != "loading" for run in self.runs)

    @property
    def tags(self) -> Sequence[str]:
        """All names of an installed model, the oldest first, as the runner keeps them."""
        return (self.model.tags or ()) if self.model else ()

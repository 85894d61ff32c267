"""One download of a model by the runner."""

from dataclasses import dataclass, field
from typing import Literal

from dmr_tui.runner.errors.explain import Explanation

PullState = Literal["waiting", "pulling", "done", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class Pull:
    """One download; bytes."""

    name: str
    """As the user wrote it."""
    state: PullState = "waiting"
    """`waiting` until the runner begins, as it pulls few models at a time."""
    done: int = 0
    total: int | None = None
    rate: float | None = None
    """Bytes per second over the last seconds; None until it is known."""
    resumed: int = 0
    """Bytes that an earlier try left."""
    message: str = ""
    """The runner's words beside its progress: a warning, or that nothing was to be done."""
    failure: Explanation | None = None
    updated_at: float = field(default=0.0, compare=False)
    """Time of the last line about it, by the loop's clock."""

    @property
    def left_s(self) -> float | None:
        """Seconds until it is there, at the rate of the last seconds."""
        if self.rate is None or self.total is None or self.rate <= 0.0:
            return None
        return max(0.0, (self.total - self.done) / self.rate)

    @property
    def share(self) -> float | None:
        """The part that is done, from 0 to 1."""
        return None if not self.total else min(1.0, self.done / self.total)

    @property
    def going(self) -> bool:
        """True while it is not over."""
        return self.state in {"waiting", "pulling"}

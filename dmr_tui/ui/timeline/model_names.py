"""Names of models, by which events and log lines are matched however they call a model."""

from collections.abc import Sequence

from dmr_tui.runner.names import Names, short
from dmr_tui.state.model_row import ModelRow


class ModelNames:
    """Names of the models of one Snapshot."""

    def __init__(self, rows: Sequence[ModelRow] = ()) -> None:
        self._rows = rows
        self._shown = {row.key: row.name for row in rows}
        self._names = Names((row.digest, row.tags) for row in rows if row.digest)
        self._keys: dict[tuple[str | None, str], str] = {}

    def are_of(self, rows: Sequence[ModelRow]) -> bool:
        """Return True if they were made of exactly these rows."""
        return rows is self._rows

    def key(self, digest: str | None, model: str) -> str:
        """Return a key that is equal for everything about one model; empty if it is about none."""
        called = (digest, model)
        known = self._keys.get(called)
        if known is None:
            known = digest or (model and (self._names.digest(model) or short(model)))
            self._keys[called] = known
        return known

    def name(self, digest: str | None, model: str) -> str:
        """Return the name on the screens; of a model that is not installed, as it was called."""
        key = self.key(digest, model)
        return self._shown.get(key) or short(model or key)

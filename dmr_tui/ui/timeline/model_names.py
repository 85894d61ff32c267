"""The model that an event or a line of the log is about, by whatever name."""

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
        """Return whether they were made of exactly these rows."""
        return rows is self._rows

    def key(self, digest: str | None, model: str) -> str:
        """A key that all names of one model share; empty if there is no name."""
        called = (digest, model)
        known = self._keys.get(called)
        if known is None:
            known = digest or (model and (self._names.digest(model) or short(model)))
            self._keys[called] = known
        return known

    def name(self, digest: str | None, model: str) -> str:
        """The name on the screens; `model` for one that is not installed."""
        key = self.key(digest, model)
        return self._shown.get(key) or short(model or key)

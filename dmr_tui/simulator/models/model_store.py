"""The model store: looking up, pulling, tagging and deleting, with the log lines of each."""

import asyncio
import html
import random
from collections.abc import AsyncGenerator
from typing import Any

from dmr_tui.simulator.connection import Refused, json_object
from dmr_tui.simulator.golang import go_json
from dmr_tui.simulator.logbook import Logbook
from dmr_tui.simulator.models.catalogue import Catalogue, ManyTags, NotInstalled
from dmr_tui.simulator.models.model import MIB, Model

_PULL_BYTES_A_SECOND = 900e6
_PULL_STEPS = 32
_COMPONENT = "model-manager"


class Store:
    """The catalogue as requests reach it."""

    def __init__(self, catalogue: Catalogue, log: Logbook, rng: random.Random) -> None:
        self.catalogue = catalogue
        self.pull_rate = _PULL_BYTES_A_SECOND
        """Bytes per second that come from the registry."""
        self._log = log
        self._rng = rng
        self._pulled: dict[str, int] = {}
        """By digest, the finished steps of a pull that was broken off."""

    def look_up(self, reference: str) -> Model:
        """The installed model. Raises NotInstalled."""
        self.note_reference(reference)
        try:
            return self.catalogue.resolve(reference)
        except NotInstalled:
            facts = {"component": _COMPONENT, "error": "model not found"}
            self._log.error("failed to get model", **facts, reference=reference)
            raise

    def find(self, reference: str) -> Model:
        """The installed model. Raises Refused."""
        try:
            return self.look_up(reference)
        except NotInstalled as error:
            raise Refused(404, _missing(reference)) from error

    def resolve(self, reference: str) -> str:
        """The digest; the text itself where there is none."""
        try:
            return self.look_up(reference).digest
        except NotInstalled:
            error = _missing(reference)
            self._log.warn("Failed to resolve model ref to ID", model=reference, error=error)
            return reference

    def inspect(self, reference: str) -> Model:
        """The model for `GET /models/…`, which is found by a bare name too. Raises Refused."""
        try:
            return self.look_up(reference)
        except NotInstalled:
            self.note_listing()
        try:
            return self.catalogue.inspect(reference)
        except NotInstalled as error:
            raise Refused(404, "model not found") from error

    def note_reference(self, reference: str, at: int | None = None) -> None:
        """Log that the store was asked for a model."""
        self._log.info("getting model by reference", at, component=_COMPONENT, reference=reference)

    def note_listing(self) -> None:
        """Log that the store was asked for all models."""
        self._log.info("Listing available models", component=_COMPONENT)
        count = len(self.catalogue)
        self._log.info("successfully listed models", component=_COMPONENT, count=count)

    def tag(self, reference: str, repository: str, tag: str) -> bytes:
        """Give a model another name. Raises Refused."""
        if not repository or not tag:
            raise Refused(400, "missing repo or tag query parameter")
        target = f"{repository}:{tag}"
        facts = {"component": _COMPONENT, "source": reference, "target": target}
        self._log.info("tagging model", **facts)
        try:
            self.catalogue.install(self.catalogue.resolve(reference), target)
        except NotInstalled as error:
            raise Refused(404, "model not found") from error
        text = f"Model tagged successfully with {go_json(target)}"
        return (go_json({"message": text, "target": target}) + "\n").encode()

    def delete(self, reference: str, force: bool) -> bytes:
        """Delete a model or one of its tags. Raises Refused."""
        try:
            done = self.catalogue.delete(reference, force)
        except NotInstalled as error:
            raise Refused(404, "error while deleting model: model not found") from error
        except ManyTags as error:
            reason = f'unable to delete "{reference}" (must be forced) due to multiple tag'
            text = f"error while deleting model: {reason} references: resource conflict"
            raise Refused(409, text) from error
        facts = {"component": _COMPONENT, "reference": reference}
        self._log.info("successfully deleted model", **facts)
        return (go_json(done) + "\n").encode()

    def describe_remote(self, reference: str) -> dict[str, Any]:
        """A registry's entry of a model: as if installed, without its names. Raises Refused."""
        try:
            model: Model | None = self.catalogue.resolve(reference)
        except NotInstalled:
            model = self.catalogue.pullable(reference)
        if model is None:
            raise Refused(404, "error while getting remote model: model not found")
        return {"id": model.digest, "created": model.created, "config": model.config()}

    def wanted(self, body: bytes) -> tuple[Model, str]:
        """The model that `POST /models/create` asks for, and its name there. Raises Refused."""
        name = json_object(body, "invalid request body").get("from", "")
        if not isinstance(name, str):
            raise Refused(400, "invalid request body")
        if not name:
            raise Refused(400, "Invalid model reference")
        self._log.info("pulling model", model=name)
        try:
            there = self.catalogue.resolve(name)
            # A digest finds it as well, and is no name.
            return there, next(iter(self.catalogue.tags(there)), there.name)
        except NotInstalled:
            model = self.catalogue.pullable(name)
        if model is None:
            error_text = f"error while pulling model: {name}: model not found"
            self._log.warn("Failed to pull model", model=name, error=error_text)
            raise Refused(404, "Model not found")
        return model, name

    async def pull(self, model: Model, name: str, as_json: bool) -> AsyncGenerator[bytes, None]:
        """Progress lines until `model` is installed as `name`; nothing is if the client leaves."""
        if any(model.digest == installed.digest for installed in self.catalogue):
            self.catalogue.install(model, name)
            size = model.config()["size"]
            yield _line("success", f"Using cached model: {size}", as_json)
            return
        layer = {"id": "sha256:" + model.digest[:6:-1], "size": model.size, "current": 0}
        first = self._pulled.get(model.digest, 0)
        for step in range(first, _PULL_STEPS + 1):
            if step > first:
                step_seconds = model.size / self.pull_rate / _PULL_STEPS
                await asyncio.sleep(step_seconds * self._rng.uniform(0.6, 1.4))
            # What is there stays when the client leaves, and the next pull begins there.
            self._pulled[model.digest] = step
            done = model.size * step // _PULL_STEPS
            text = f"Downloaded: {done / MIB:.2f} MB"
            yield _line("progress", text, as_json, model.size, {**layer, "current": done})
        self._pulled.pop(model.digest, None)
        self.catalogue.install(model, name)
        self._log.info("loaded model", component=_COMPONENT, id=model.digest)
        yield _line("success", "Model pulled successfully", as_json)


def _missing(reference: str) -> str:
    return f"error while getting model: get model '\"{reference}\"': model not found"


def _line(
    kind: str, text: str, as_json: bool, total: int = 0, layer: dict[str, object] | None = None
) -> bytes:
    line = {
        "type": kind,
        "message": text,
        "total": total,
        "layer": layer or {"size": 0, "current": 0},
        "mode": "pull",
    }
    shown = go_json(line) + "\n"
    # Go names the quotation marks by number.
    escaped = html.escape(shown).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
    return (shown if as_json else escaped).encode()

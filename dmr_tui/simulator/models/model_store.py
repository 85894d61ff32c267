"""The model store: what is installed, and looking up, pulling, tagging and deleting it."""

import asyncio
import html
import random
import re
from collections.abc import AsyncGenerator, Iterable, Iterator
from functools import partial
from typing import Any

from dmr_tui.simulator.connection import Refused, json_object
from dmr_tui.simulator.golang import go_json
from dmr_tui.simulator.logbook import Logbook
from dmr_tui.simulator.models.model import MIB, Model

_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})|([0-9a-f]{12})")
_BLOB_OVERHEAD = 4096
_PULL_BYTES_A_SECOND = 900e6
_PULL_STEPS = 32
_COMPONENT = "model-manager"


class Catalogue:
    """Installed models by digest, in the order in which they came."""

    def __init__(
        self,
        models: Iterable[Model] = (),
        pullable: Iterable[Model] = (),
        latest: Iterable[Model] = (),
    ) -> None:
        """`latest` are the pullable ones that a name without a tag means."""
        self._models: dict[str, Model] = {}
        self._tags: dict[str, list[str]] = {}
        self._pullable = {_canonical(model.name.rpartition(":")[0]): model for model in latest}
        self._pullable |= {_canonical(model.name): model for model in pullable}
        for model in models:
            self.install(model)

    def __iter__(self) -> Iterator[Model]:
        return iter(list(self._models.values()))

    def __len__(self) -> int:
        return len(self._models)

    def tags(self, model: Model) -> tuple[str, ...]:
        """The full names of `model`, registry included."""
        return tuple(self._tags[model.digest])

    def find(self, reference: str) -> Model | None:
        """Find a model by a tag, with or without its defaults, or by a digest.

        Twelve hex digits are a short digest.
        """
        reference = reference.strip()
        if match := _DIGEST.fullmatch(reference):
            digest = f"sha256:{match[1] or match[2]}"
            return next((model for model in self if model.digest.startswith(digest)), None)
        tag = _canonical(reference)
        return next((model for model in self if tag in self._tags[model.digest]), None)

    def resolve(self, reference: str) -> Model:
        """As `find`. Raises LookupError."""
        if model := self.find(reference):
            return model
        raise LookupError(reference)

    def digest(self, reference: str) -> str:
        """The digest that `reference` stands for; the text itself where there is none."""
        model = self.find(reference)
        return reference if model is None else model.digest

    def pullable(self, reference: str) -> Model | None:
        """The model that a registry would send for `reference`."""
        return self._pullable.get(_canonical(reference))

    def install(self, model: Model, name: str | None = None) -> None:
        """Add `model` under its own name or `name`, and take that from any other model."""
        self._models.setdefault(model.digest, model)
        own, tag = self._tags.setdefault(model.digest, []), _canonical(name or model.name)
        for tags in self._tags.values():
            if tag in tags and tags is not own:
                tags.remove(tag)
        if tag not in own:
            own.append(tag)

    def delete(self, reference: str, force: bool) -> list[dict[str, str]]:
        """Take a tag off, and with the last one the model; returns the steps in order.

        Raises Refused, also where a model with several tags is not deleted by force.
        """
        model = self.find(reference)
        if model is None:
            raise Refused(404, "error while deleting model: model not found")
        tags = self._tags[model.digest]
        done = []
        if not _DIGEST.fullmatch(reference):
            tags.remove(_canonical(reference))
            done.append({"Untagged": _canonical(reference)})
            if tags:
                return done
        if len(tags) > 1 and not force:
            reason = f'unable to delete "{reference}" (must be forced) due to multiple tag'
            text = f"error while deleting model: {reason} references: resource conflict"
            raise Refused(409, text)
        done += [{"Untagged": tag} for tag in tags]
        del self._models[model.digest], self._tags[model.digest]
        return [*done, {"Deleted": model.digest}]

    def disk_bytes(self) -> int:
        """The size of the store on disk."""
        return sum(model.size + _BLOB_OVERHEAD for model in self)

    def describe(self, model: Model) -> dict[str, Any]:
        """An entry of `GET /models`."""
        tags = {"tags": list(self.tags(model))} if self.tags(model) else {}
        return {"id": model.digest, **tags, "created": model.created, "config": model.config()}

    def describe_openai(self, model: Model) -> dict[str, Any]:
        """An entry of `GET /engines/v1/models`."""
        config = model.config()
        facts = {
            "context_window": config.get("context_size"),
            "architecture": config["architecture"],
            "parameters": config["parameters"],
            "quantization": config["quantization"],
            "size": config["size"],
        }
        return {
            "id": next(iter(self.tags(model)), model.digest),
            "object": "model",
            "created": model.created,
            "owned_by": "docker",
            "dmr": {key: value for key, value in facts.items() if value is not None},
        }


class Store:
    """The catalogue as requests reach it."""

    def __init__(self, catalogue: Catalogue, log: Logbook, rng: random.Random) -> None:
        self.catalogue = catalogue
        self.pull_rate = _PULL_BYTES_A_SECOND
        """Bytes per second that come from the registry."""
        self._log = log
        self._info = partial(log.info, component=_COMPONENT)
        self._rng = rng
        self._pulled: dict[str, int] = {}
        """By digest, the finished steps of a pull that was broken off."""

    def look_up(self, reference: str) -> Model | None:
        """The installed model, with the log lines of a look-up."""
        self.note_reference(reference)
        model = self.catalogue.find(reference)
        if model is None:
            facts = {"component": _COMPONENT, "error": "model not found"}
            self._log.error("failed to get model", **facts, reference=reference)
        return model

    def find(self, reference: str) -> Model:
        """The installed model. Raises Refused."""
        if model := self.look_up(reference):
            return model
        raise Refused(404, _missing(reference))

    def resolve(self, reference: str) -> str:
        """The digest; the text itself where there is none."""
        if model := self.look_up(reference):
            return model.digest
        error = _missing(reference)
        self._log.warn("Failed to resolve model ref to ID", model=reference, error=error)
        return reference

    def inspect(self, reference: str) -> Model:
        """The model for `GET /models/…`, which is found by a bare name too. Raises Refused."""
        if model := self.look_up(reference):
            return model
        self.note_listing()
        for model in self.catalogue:
            names = (tag.rpartition(":")[0] for tag in self.catalogue.tags(model))
            if reference in {name.rpartition("/")[2] for name in names}:
                return model
        raise Refused(404, "model not found")

    def note_reference(self, reference: str, at: int | None = None) -> None:
        """Log that the store was asked for a model."""
        self._info("getting model by reference", at, reference=reference)

    def note_listing(self) -> None:
        """Log that the store was asked for all models."""
        self._info("Listing available models")
        self._info("successfully listed models", count=len(self.catalogue))

    def tag(self, reference: str, repository: str, tag: str) -> dict[str, str]:
        """Give a model another name. Raises Refused."""
        if not repository or not tag:
            raise Refused(400, "missing repo or tag query parameter")
        target = f"{repository}:{tag}"
        self._info("tagging model", source=reference, target=target)
        model = self.catalogue.find(reference)
        if model is None:
            raise Refused(404, "model not found")
        self.catalogue.install(model, target)
        text = f"Model tagged successfully with {go_json(target)}"
        return {"message": text, "target": target}

    def delete(self, reference: str, force: bool) -> list[dict[str, str]]:
        """Delete a model or one of its tags. Raises Refused."""
        done = self.catalogue.delete(reference, force)
        self._info("successfully deleted model", reference=reference)
        return done

    def describe_remote(self, reference: str) -> dict[str, Any]:
        """A registry's entry of a model: as if installed, without its names. Raises Refused."""
        model = self.catalogue.find(reference) or self.catalogue.pullable(reference)
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
        if there := self.catalogue.find(name):
            # A digest finds it as well, and is no name.
            return there, next(iter(self.catalogue.tags(there)), there.name)
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
        self._info("loaded model", id=model.digest)
        yield _line("success", "Model pulled successfully", as_json)


def _canonical(reference: str) -> str:
    """A tag in full: registry, organisation and tag filled in, the name in small letters."""
    reference = reference.strip()
    if reference.startswith("hf.co/"):
        reference = "huggingface.co/" + reference.removeprefix("hf.co/")
    head, colon, tag = reference.rpartition(":")
    if not colon or "/" in tag:
        head, tag = reference, ""
    name = head.lower()
    if "/" not in name:
        name = f"ai/{name}"
    registry = name.partition("/")[0]
    if registry == "index.docker.io":
        name = name.removeprefix("index.")
    elif not ("." in registry or ":" in registry or registry == "localhost"):
        name = f"docker.io/{name}"
    return f"{name}:{tag or 'latest'}"


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

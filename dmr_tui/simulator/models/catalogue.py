"""The installed models: tags, look-up by name or digest, and the lists of them."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from dmr_tui.simulator.models.model import Model

_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})|([0-9a-f]{12})")
_BLOB_OVERHEAD = 4096


class NotInstalled(LookupError):
    """No installed model has this name."""


class ManyTags(Exception):
    """A model with several tags is only deleted by force."""


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
        self._pullable = {canonical(model.name.rpartition(":")[0]): model for model in latest}
        self._pullable |= {canonical(model.name): model for model in pullable}
        for model in models:
            self.install(model)

    def __iter__(self) -> Iterator[Model]:
        return iter(list(self._models.values()))

    def __len__(self) -> int:
        return len(self._models)

    def tags(self, model: Model) -> tuple[str, ...]:
        """The full names of `model`, registry included."""
        return tuple(self._tags[model.digest])

    def resolve(self, reference: str) -> Model:
        """Find a model by a tag, with or without its defaults, or by a digest.

        Twelve hex digits are a short digest. Raises NotInstalled.
        """
        reference = reference.strip()
        if match := _DIGEST.fullmatch(reference):
            found = next((m for m in self if _has_digest(m, match[1], match[2])), None)
        else:
            tag = canonical(reference)
            found = next((m for m in self if tag in self._tags[m.digest]), None)
        if found is None:
            raise NotInstalled(reference)
        return found

    def digest(self, reference: str) -> str:
        """The digest that `reference` stands for; the text itself where there is none."""
        try:
            return self.resolve(reference).digest
        except NotInstalled:
            return reference

    def inspect(self, reference: str) -> Model:
        """As `resolve`, and a bare name finds a model of any tag. Raises NotInstalled."""
        try:
            return self.resolve(reference)
        except NotInstalled:
            for model in self:
                if any(_bare_name(tag) == reference for tag in self.tags(model)):
                    return model
            raise

    def pullable(self, reference: str) -> Model | None:
        """The model that a registry would send for `reference`."""
        return self._pullable.get(canonical(reference))

    def install(self, model: Model, name: str | None = None) -> None:
        """Add `model` under its own name or `name`, and take that from any other model."""
        self._models.setdefault(model.digest, model)
        own, tag = self._tags.setdefault(model.digest, []), canonical(name or model.name)
        for tags in self._tags.values():
            if tag in tags and tags is not own:
                tags.remove(tag)
        if tag not in own:
            own.append(tag)

    def delete(self, reference: str, force: bool) -> list[dict[str, str]]:
        """Take a tag off, and with the last one the model; returns the steps in order.

        Raises NotInstalled, ManyTags.
        """
        model = self.resolve(reference)
        tags = self._tags[model.digest]
        done = []
        if not _DIGEST.fullmatch(reference):
            tags.remove(canonical(reference))
            done.append({"Untagged": canonical(reference)})
            if tags:
                return done
        if len(tags) > 1 and not force:
            raise ManyTags
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


def canonical(reference: str) -> str:
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


def _has_digest(model: Model, full: str | None, short: str | None) -> bool:
    digits = model.digest.removeprefix("sha256:")
    return digits == full if full else digits[:12] == short


def _bare_name(tag: str) -> str:
    return tag.rpartition(":")[0].rpartition("/")[2]

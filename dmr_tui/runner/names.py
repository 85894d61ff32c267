"""Names and digests of models: every way to write one, made comparable."""

import re
from collections.abc import Iterable, Sequence

_DIGEST = re.compile(r"(?:^|/)sha256[:/]([0-9a-f]{64})(?=$|[/_])")
_HEX_ID = re.compile(r"^(?:[0-9a-f]{12}|[0-9a-f]{64})$")
# Nothing that a shell would expand, and nothing that a command would take for an option.
_SHELL_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,199}")
_DOCKER_HUB = re.compile(r"^(?:index\.|registry-1\.)?docker\.io/")


def digest_in(text: str) -> str | None:
    """The digest written in `text`: bare, as a record's id, or in a path under /sha256/."""
    match = _DIGEST.search(text)
    return f"sha256:{match[1]}" if match else None


def canonical(name: str) -> str:
    """The one spelling of all names that mean the same model to DMR.

    "x", "ai/x" and "docker.io/ai/x:latest" are one; "hf.co/…" is "huggingface.co/…"; the name is
    compared in lower case, the tag as it is.
    """
    name = _DOCKER_HUB.sub("", name.strip())
    head, _, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    repository = f"{head}/{last}" if head else f"ai/{last}"
    repository = repository.lower()
    if repository.startswith("hf.co/"):
        repository = f"huggingface.co/{repository.removeprefix('hf.co/')}"
    return f"{repository}:{tag or 'latest'}"


def short(name: str) -> str:
    """The name as `docker model ls` prints it: without Docker Hub, "ai/" and ":latest"."""
    if digest := digest_in(name):
        return digest.removeprefix("sha256:")[:12]
    name = _DOCKER_HUB.sub("", name.strip())
    name = name.removesuffix(":latest")
    if name.startswith("huggingface.co/"):
        name = f"hf.co/{name.removeprefix('huggingface.co/')}"
    return name.removeprefix("ai/") if name.count("/") == 1 else name


class Names:
    """The digests that names mean, among the installed models."""

    def __init__(self, installed: Iterable[tuple[str, Iterable[str]]]) -> None:
        """`installed`: pairs of digest and tags."""
        self._by_name: dict[str, str] = {}
        self._digests: set[str] = set()
        for digest, tags in installed:
            self._digests.add(digest)
            for tag in tags:
                self._by_name[canonical(tag)] = digest

    def digest(self, name: str) -> str | None:
        """The digest of `name`; None if no installed model has that name."""
        if (written := digest_in(name)) is not None:
            return written
        if _HEX_ID.match(name):
            return next((d for d in self._digests if d.startswith(f"sha256:{name}")), None)
        return self._by_name.get(canonical(name))


def is_reference(name: str) -> bool:
    """True if `name` can be that of a model; another text could lead to another endpoint."""
    return bool(_SHELL_WORD.fullmatch(name)) and not {"", ".", ".."} & set(name.split("/"))


def shell_word(name: str, otherwise: str) -> str:
    """`name` as part of a command that the user copies; `otherwise` if it could do harm there."""
    return name if _SHELL_WORD.fullmatch(name) else otherwise


def nearest(name: str, names: Sequence[str]) -> str:
    """The names that look most like it, as "a or b"; empty if none does."""
    # Wanted only for a mistake.
    from difflib import get_close_matches

    return " or ".join(get_close_matches(name, names, 3, 0.55))

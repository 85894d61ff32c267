"""Launch config of an engine, read from its command line or from a config's flags."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_NAMES = {
    "-c": "context",
    "--ctx-size": "context",
    "--max-model-len": "context",
    "-np": "slots",
    "--parallel": "slots",
    "-ub": "ubatch",
    "--ubatch-size": "ubatch",
    "-ngl": "layers",
    "--gpu-layers": "layers",
    "--n-gpu-layers": "layers",
    "-ctk": "key_type",
    "--cache-type-k": "key_type",
    "-ctv": "value_type",
    "--cache-type-v": "value_type",
    "-fa": "flash",
    "--flash-attn": "flash",
}
UNIFIED = {"-kvu": True, "--kv-unified": True, "-no-kvu": False, "--no-kv-unified": False}
ALL_LAYERS = 999
"""DMR's value of -ngl, which no model has."""


@dataclass(frozen=True, slots=True)
class Flags:
    """Flags that concern memory; None where the command line has none."""

    context: int | None = None
    """-1 means the trained context."""
    slots: int | None = None
    ubatch: int | None = None
    layers: int | None = None
    key_type: str | None = None
    value_type: str | None = None
    flash: bool | None = None
    unified: bool | None = None


def read_flags(words: Sequence[str]) -> Flags:
    """The flags of llama.cpp (and vLLM's length) that memory depends on; the last one wins."""
    found: dict[str, str] = dict(_pairs(words))
    unified = [UNIFIED[word] for word in words if word in UNIFIED]
    return Flags(
        context=_number(found.get("context")),
        slots=_number(found.get("slots")),
        ubatch=_number(found.get("ubatch")),
        layers=_number(found.get("layers")),
        key_type=found.get("key_type"),
        value_type=found.get("value_type"),
        flash={"on": True, "1": True, "off": False, "0": False}.get(found.get("flash", "")),
        unified=unified[-1] if unified else None,
    )


def flags_of(*names: str) -> frozenset[str]:
    """Every flag that sets one of those fields of `Flags`."""
    return frozenset(flag for flag, name in _NAMES.items() if name in names)


def _pairs(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    for place, word in enumerate(words):
        flag, equals, value = word.partition("=")
        name = _NAMES.get(flag)
        if name is None:
            continue
        if equals:
            yield name, value
        elif place + 1 < len(words):
            yield name, words[place + 1]


def _number(text: str | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        return None

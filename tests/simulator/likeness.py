"""The likeness of the simulator's answers to recorded ones."""

import json
import re
from typing import Any

NAMES = {"ai/tiny:Q4": "ai/smollm2:360M-Q4_K_M", "ai/mid:F32": "ai/llama3.2:1B-Q8_0"}
"""The recorded models, and those that take their part in the simulation."""

_JSON_INSIDE = ("request", "response", "error")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def renamed(value: Any) -> Any:
    """`value` with the models of the simulation in place of the recorded ones."""
    text = json.dumps(value)
    for old, new in NAMES.items():
        text = text.replace(old, new)
    return json.loads(text)


def shape(value: Any, key: str = "") -> Any:
    """The outline of JSON without its values: keys in order, and kinds of values."""
    match value:
        case dict() if key == "gguf":
            return ("map", frozenset(type(each) for each in value.values()))
        case dict():
            return tuple((name, shape(each, name)) for name, each in value.items())
        case list():
            return ("list", frozenset(shape(each) for each in value))
        case str() if key in _JSON_INSIDE and value.startswith(("{", "[")):
            return ("json", shape(json.loads(value)))
        case str() if _DIGEST.match(value):
            return "digest" if key != "model_name" else "text"
        case str():
            return "text"
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case _:
            return value


def chunks(stream: str) -> list[Any]:
    """The events of a stream; [DONE] stays text."""
    events = [block for block in stream.split("\n\n") if block]
    datas = [event.removeprefix("data: ") for event in events]
    return [data if data == "[DONE]" else json.loads(data) for data in datas]


def outline(values: list[Any]) -> list[Any]:
    """The shapes of `values` in order, runs of the same counted once."""
    shapes = [shape(value) for value in values]
    return [each for place, each in enumerate(shapes) if place == 0 or shapes[place - 1] != each]


def events(stream: str) -> list[tuple[str, Any]]:
    """Named server-sent events; one that was cut off is left out."""
    blocks = [block.split("\n", 1) for block in stream.split("\n\n")[:-1]]
    return [
        (name.removeprefix("event: "), json.loads(data.removeprefix("data: ")))
        for name, data in blocks
    ]


_WILD = (
    (re.compile(r"sha256[:/][0-9a-f]{64}"), "DIGEST"),
    (re.compile(r"build_info: \S+"), "build_info: BUILD"),
    (re.compile(r"(reference|modelRef|model)=(\"[^\"]*\"|\S+)"), r"\1=NAME"),
    (re.compile(r"gpuSupport=\w+"), "gpuSupport=BOOL"),
    (re.compile(r"dir=\S+"), "dir=PATH"),
    (re.compile(r"(')(\\\")[^\"\\]*(\\\")(')"), r"\1\2NAME\3\4"),
    (re.compile(r"/\S*/model\.gguf"), "GGUF"),
    (re.compile(r"\d+"), "N"),
    (re.compile(r" +"), " "),
)


def family(line: str) -> str:
    """A log line without the parts that differ between requests."""
    for pattern, text in _WILD:
        line = pattern.sub(text, line)
    return line

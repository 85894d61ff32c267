"""Test prompts at a key: each shows another side of a model's speed."""

import secrets
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preset:
    """One test prompt."""

    title: str
    shows: str
    """The lesson of its numbers."""
    text: str
    max_tokens: int
    json_answer: bool = False

    def fresh(self) -> str:
        """Return the text with a new mark at its start, so that no cache has seen it."""
        return f"[{secrets.token_hex(4)}] {self.text}"


_STATION = (
    "The weather station on the northern ridge reports every ten minutes. At {hour:02}:{minute:02} "
    "it measured {temperature} degrees, a wind of {wind} kilometres an hour from the "
    "{direction}, and {rain} millimetres of rain since the last report. The keeper noted: "
    "{note}. "
)
_NOTES = (
    "the path to the hut is passable",
    "two hikers asked for the way to the lake",
    "the eastern gauge was cleaned",
    "fog below the tree line",
    "a herd of deer crossed the meadow",
)
_DIRECTIONS = ("north", "north-east", "east", "south", "south-west", "west")


def _long_text() -> str:
    reports = [
        _STATION.format(
            hour=number // 6,
            minute=number % 6 * 10,
            temperature=4 + number * 7 % 13,
            wind=10 + number * 11 % 37,
            direction=_DIRECTIONS[number % len(_DIRECTIONS)],
            rain=number * 3 % 5,
            note=_NOTES[number % len(_NOTES)],
        )
        for number in range(48)
    ]
    return (
        "Here is a log. Read all of it, then answer the question at its end.\n\n"
        + "".join(reports)
        + "\n\nQuestion: when was the wind strongest, and what did the keeper note then? "
        "Answer in two sentences."
    )


PRESETS: tuple[Preset, ...] = (
    Preset(
        "Short answer",
        "time to first token",
        "Explain what a KV cache is, in two sentences.",
        160,
    ),
    Preset(
        "Long answer",
        "decode speed, steadily",
        "Write a short story of about 400 words about a lighthouse keeper who repairs radios.",
        640,
    ),
    Preset(
        "Long context",
        "prefill speed, on about 3,000 new tokens",
        _long_text(),
        160,
    ),
    Preset(
        "JSON",
        "whether the answer is valid JSON",
        "Describe three European rivers as a JSON object with a key rivers: a list of objects with "
        "name, length_km and countries. Answer with JSON only.",
        400,
        json_answer=True,
    ),
    Preset(
        "Code",
        "decode speed on code",
        "Write a Python function that merges two sorted lists, with type hints and a docstring, "
        "and then three assertions that test it.",
        500,
    ),
)

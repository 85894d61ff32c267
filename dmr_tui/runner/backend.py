"""The free text of `GET /engines/status`, old and new, as a state."""

import re
from typing import Literal

from msgspec import Struct

State = Literal["running", "error", "not installed", "installing", "unknown"]

_STATES: tuple[State, ...] = ("running", "error", "not installed", "installing")
_VARIANT = re.compile(r"\b(cuda|metal|vulkan|rocm|opencl|musa|cann|cpu)\b", re.IGNORECASE)
_VERSION = re.compile(r"\b(b\d{3,6}|v?\d{1,6}\.\d{1,6}(?:\.\d{1,6}){0,4}\S{0,60}|[0-9a-f]{7,12})\b")


class Backend(Struct, frozen=True):
    """One inference backend of the runner."""

    name: str
    state: State
    detail: str = ""
    """The text after the state."""
    version: str | None = None
    variant: str | None = None
    """The hardware that the build is for, if the runner names it."""


def parse_status(name: str, text: str) -> Backend:
    """The backend `name` by its status text; a text of unknown form is kept as the detail.

    Since March 2026: "Running: llama.cpp b9879", "Not Installed: binary not found".
    Before: "running llama.cpp version: c55bce4", "not installed", "vLLM binary not found".
    """
    state, detail = _split(text)
    if state != "running":
        return Backend(name, state, detail)
    versions = _VERSION.findall(detail.replace("sha256:", "digest "))
    variants = _VARIANT.findall(detail)
    return Backend(
        name,
        state,
        detail,
        versions[-1] if versions else None,
        variants[-1].lower() if variants else None,
    )


def _split(text: str) -> tuple[State, str]:
    text = text.strip()
    for state in _STATES:
        if text.lower().startswith(state):
            return state, text[len(state) :].lstrip(": ")
    return ("not installed" if "not " in text.lower() else "unknown"), text

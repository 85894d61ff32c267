"""The runner's error texts in plain words: what happened, the likely cause, the next step."""

import re
from dataclasses import dataclass

import msgspec

from dmr_tui.runner import wire
from dmr_tui.runner.errors import (
    BadAnswer,
    BrokenOff,
    NotARunner,
    ReadOnly,
    Rejected,
    RunnerError,
    TimedOut,
    Unreachable,
)
from dmr_tui.runner.names import short

ENABLE_ON_DESKTOP = "docker desktop enable model-runner --tcp 12434"
INSTALL_ON_LINUX = "sudo apt-get install docker-model-plugin"


@dataclass(frozen=True, slots=True)
class Explanation:
    """An error in three sentences; the last two may be empty."""

    what: str
    cause: str = ""
    step: str = ""
    detail: str = ""
    """The runner's own words, for those who want to search for them."""


def explain(error: RunnerError, model: str = "") -> Explanation:
    """The explanation of a failed call about `model`."""
    if isinstance(error, Rejected):
        return explain_text(error.status, error.body, model)
    text = str(error)
    for kind, what, cause, step in _KINDS:
        if isinstance(error, kind):
            return Explanation(what, cause, step, text)
    return Explanation(text)


_KINDS: tuple[tuple[type[RunnerError], str, str, str], ...] = (
    (
        Unreachable,
        "The runner does not answer",
        "It is off, or on Docker Desktop its TCP access is off.",
        f"Desktop: {ENABLE_ON_DESKTOP}",
    ),
    (
        TimedOut,
        "The runner took the call and did not answer in time",
        "It is paused, or the machine is busy or out of memory.",
        "Look at the container and at memory pressure.",
    ),
    (
        BrokenOff,
        "The answer broke off in the middle",
        "The engine crashed or was killed, often for memory, or the runner was restarted.",
        "Its log says which: docker model logs",
    ),
    (
        NotARunner,
        "What answers there is not Docker Model Runner",
        "Another program has the port.",
        "Name the right address with --host.",
    ),
    (
        BadAnswer,
        "The runner's answer cannot be read",
        "It is a version that speaks differently, or a proxy in between.",
        "",
    ),
    (
        ReadOnly,
        "Read-only mode: nothing was sent",
        "",
        "Start without --read-only to send prompts.",
    ),
)

_RULES: tuple[tuple[str, str, str, str], ...] = (
    (
        r"model not found|not found locally",
        "{model} is not installed",
        "The name or its tag differs from what is installed, or it was never pulled.",
        "docker model pull {model}",
    ),
    (
        r"not enough GPU memory|cudaMalloc failed: out of memory|failed to allocate buffer, size"
        r"|ErrorOutOfDeviceMemory|hipErrorOutOfMemory",
        "{model} does not fit into GPU memory",
        "Other models hold the memory, or its context window is larger than the memory allows.",
        "Unload another model, or: docker model configure --context-size 4096 {model}",
    ),
    (
        r"memory requirement|out of memory|cannot allocate memory|std::bad_alloc",
        "{model} does not fit into memory",
        "Weights and context window together need more than is free.",
        "Unload another model, or take a smaller quantization or context window.",
    ),
    (
        r"unknown model architecture|unknown projector type|unsupported model",
        "The engine does not know this kind of model",
        "The model is newer than the engine.",
        "Update Docker Desktop, or: docker model reinstall-runner",
    ),
    (
        r"0xc0000135|error while loading shared libraries",
        "The engine cannot start: a library is missing",
        "A driver or runtime that its build needs is not installed.",
        "Update the GPU driver, or switch GPU-backed inference off.",
    ),
    (
        r"took too long to initialize",
        "The model was not ready within five minutes",
        "The disk is slow, or the machine swaps.",
        "Look at memory pressure; try a smaller model.",
    ),
    (
        r"terminated unexpectedly|exit status|exiting due to model loading error",
        "The engine ended while it loaded {model}",
        "Its last words are below.",
        "docker model logs",
    ),
    (
        r"does not support chat|is not OAI compatible|only supports embeddings",
        "{model} cannot do this kind of call",
        "Embedding models do not chat, and chat models make no embeddings.",
        "",
    ),
    (r"origin not allowed", "The runner refuses calls that come from a web page", "", ""),
    (
        r"binary not found|is not installed|package not installed",
        "The backend for this model is not installed",
        "This kind of model needs another engine.",
        "docker model install-runner --backend vllm --gpu cuda",
    ),
    (
        r"runner already active",
        "The model is busy, so its configuration cannot change",
        "",
        "Wait until it is idle.",
    ),
    (
        r"backend loading disabled|service unavailable",
        "The runner is shutting down",
        "",
        "Wait until it is back.",
    ),
    (
        r"model is required|invalid request",
        "The runner did not understand the call",
        "",
        "",
    ),
)
_COMPILED = tuple((re.compile(rule[0], re.IGNORECASE), *rule[1:]) for rule in _RULES)


def explain_text(status: int, body: str, model: str = "") -> Explanation:
    """The explanation of an error answer: `body` is DMR's plain text or the engine's JSON."""
    name = short(model) if model else "the model"
    error = _engine_error(body)
    text = error.message if error and error.message else body
    if error and error.n_ctx is not None and error.n_prompt_tokens is not None:
        room = -(-error.n_prompt_tokens * 5 // 4 // 1024) * 1024
        return Explanation(
            f"The prompt has {error.n_prompt_tokens:,} tokens, the context window only "
            f"{error.n_ctx:,}",
            "",
            f"Shorten it, or: docker model configure --context-size {room} {name}",
            text,
        )
    for pattern, what, cause, step in _COMPILED:
        if pattern.search(text):
            words = {"model": name}
            return Explanation(_capital(what.format(**words)), cause, step.format(**words), text)
    if status == 404:
        return Explanation("The runner does not know this call", "It is an old version.", "", text)
    if status == 503:
        return Explanation("The engine is still loading the model", "", "Try again soon.", text)
    return Explanation(f"The runner answered {status}: {_last_line(text)}", "", "", text)


def _engine_error(body: str) -> wire.EngineError | None:
    try:
        outer = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        return msgspec.json.decode(outer.get("error", b"null"), type=wire.EngineError | None)
    except (msgspec.MsgspecError, UnicodeError):
        return None


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "nothing more"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:] if text.startswith("the model") else text

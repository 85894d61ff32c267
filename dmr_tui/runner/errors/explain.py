"""Errors in plain words: what happened, the likely cause, the next step."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from dmr_tui.runner.errors.failures import BrokenOff, Rejected, RunnerError, TimedOut, Unreachable
from dmr_tui.runner.errors.row import Kind, Row
from dmr_tui.runner.errors.table import BY_CLASS, TABLE
from dmr_tui.runner.names import shell_word, short
from dmr_tui.runner.request import EngineFailure, Request

HALF = 32 * 1024
"""Characters that are searched at each end of a text: a dump may be of any length."""

_OVERFLOW = re.compile(
    r"request \((\d{1,9}) tokens\) exceeds the available context size \((\d{1,9}) tokens\)"
)
_SAYS_MORE = re.compile(
    r"^(?:TLS: |no route|no network|no permission|no such socket|no connection in time"
    r"|the path of the socket|the runner was lost)"
)
_SAYS_ERROR = re.compile(
    r"error|fail|cannot|can't|could not|unable to|unknown [a-z]|unsupported|not supported"
    r"|not allowed|not found|no such|invalid|abort|assert|exception|out of memory"
    r"|exit status [^0]|signal:|exceed|only (?:available|supported)|required by|must be"
    r"|refused|denied",
    re.IGNORECASE,
)
# These say only that there was an error; the line that says which one stands further up.
_SAYS_NO_MORE = re.compile(
    r"exiting due to model loading error$"
    r"|failed to load (?:the )?(?:multimodal )?model(?:,? '[^']*')?$"
    r"|cleaning up before exit",
    re.IGNORECASE,
)
_WRAPPING = re.compile(
    r"^(?:(?:unable to load runner|error waiting for runner to be ready|unable to start runner"
    r"|background model preload failed|preload failed"
    r"|[\w.-]{1,20} (?:terminated unexpectedly|failed|exit status)):\s*|status=\d+ body=)+",
    re.IGNORECASE,
)
_PREFIX = re.compile(r"^(?:\[[^\]]{1,40}\] *)?(?:\d+(?:\.\d+){2,3} [A-Z] +)?(?:\([^)]{1,40}\) )?")
_LOG_FIELD = re.compile(r'(?<!\S)(\w{1,20})=("(?:[^"\\]|\\.)*"|\S*)')

_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": ""}


class Explanation(Struct, frozen=True):
    """An error in three sentences; the last two may be empty."""

    what: str
    cause: str = ""
    step: str = ""
    detail: str = ""
    """The runner's own words, to be searched for."""
    kind: Kind = "failed"


_ENGINE_FAILURES: dict[EngineFailure, str] = {
    "unreachable": "the engine could not be reached",
    "died": "the engine died while it answered",
}


def error_text(request: Request) -> str:
    """Return the error of a request: what became of its engine, then the runner's own words."""
    failure = _ENGINE_FAILURES.get(request.engine_failure, "")
    return ": ".join(part for part in (failure, request.error) if part)


def explain_request(request: Request) -> Explanation:
    """Explain why a request failed."""
    return explain_text(request.status, error_text(request), request.model)


def explain(error: RunnerError, model: str = "", trained: int | None = None) -> Explanation:
    """The explanation of a failed request about `model`.

    `trained` is the context window, in tokens, that the model was trained for, if known.
    """
    if isinstance(error, Rejected):
        return explain_text(error.status, error.body, model, trained)
    text = str(error)
    row = next((row for kind, row in BY_CLASS.items() if isinstance(error, kind)), None)
    if isinstance(error, Unreachable | BrokenOff):
        found = _find(text)
        row = found if found is not None and found.kind == "unreachable" else row
    generic = any(row is each for each in BY_CLASS.values())
    if isinstance(error, Unreachable | TimedOut) and generic and _SAYS_MORE.search(text):
        # The text says why; the usual cause would be a wrong one.
        return Explanation(text[:1].upper() + text[1:], kind="unreachable")
    return Explanation(text) if row is None else _filled(row, text, model)


def explain_text(
    status: int, body: str, model: str = "", trained: int | None = None
) -> Explanation:
    """The explanation of an error answer: `body` is DMR's plain text or the engine's JSON."""
    text, prompt, window = _read(_ends(body.strip()))
    if prompt is not None and window is not None:
        return _overflow(prompt, window, text, model, trained)
    row = _find(text, status=status)
    if row is not None:
        return _filled(row, text, model, trained)
    line = telling_line(text) or _last_line(text) or "nothing more"
    return Explanation(f"The runner answered {status}: {line}", "", "", text)


def explain_line(text: str, model: str = "") -> Explanation | None:
    """The explanation of a line of the log, or of any other text; None if no row knows it."""
    text = _ends(text.strip())
    fields = {name: _unquoted(value) for name, value in _LOG_FIELD.findall(text)}
    if "msg" not in fields:
        row = _find(text)
        return None if row is None else _filled(row, text, model)
    words = fields.get("error") or fields.get("body") or fields["msg"]
    # Arguments and names are left out: a word in them is no error.
    row = _find(words, f"{fields['msg']} {fields.get('backend', '')}: {words}")
    named = model or fields.get("modelRef") or fields.get("reference") or fields.get("model", "")
    return None if row is None else _filled(row, words, named)


def explain_quote(text: str, model: str = "", status: int | None = None) -> Explanation:
    """The explanation of an error of the log, or of an answer with `status`.

    Without an entry in the table it is the line of `text` that says most.
    """
    if status is not None:
        return explain_text(status, text, model)
    known = explain_line(text, model)
    return known or Explanation(telling_line(text) or _last_line(text), detail=text)


def telling_line(text: str) -> str:
    """The last line of a dump that says which error there was; empty if none does."""
    lines = [_WRAPPING.sub("", _PREFIX.sub("", line.strip())) for line in text.splitlines()]
    errors = [line.strip() for line in lines if _SAYS_ERROR.search(line)]
    telling = [line for line in errors if not _SAYS_NO_MORE.search(line)]
    return (telling or errors or [""])[-1][:200]


def _find(*texts: str, status: int = 0) -> Row | None:
    for row in TABLE:
        if any(row.matches(text, status) for text in texts):
            return row
    return None


def _filled(row: Row, text: str, model: str, trained: int | None = None) -> Explanation:
    if row.kind == "context overflow" and (match := _OVERFLOW.search(text)):
        return _overflow(int(match[1]), int(match[2]), text, model, trained)
    line = telling_line(text) or "It gave no reason."
    what, cause, step = (
        part.format(model=_shown(model), name=_word(model), said=line)
        for part in (row.what, row.cause, row.step)
    )
    return Explanation(_capital(what), _capital(cause), step, text, row.kind)


def _overflow(prompt: int, window: int, text: str, model: str, trained: int | None) -> Explanation:
    # A quarter on top leaves room for the answer, which shares the window with the prompt.
    room = -(-prompt * 5 // 4 // 1024) * 1024
    command = f"docker model configure --context-size {min(room, trained or room)} {_word(model)}"
    if trained is None:
        step = f"Shorten it, or, if the model was trained for as much: {command}"
    elif trained <= max(prompt, window):
        step = f"Shorten it: the model was trained for {trained:,} tokens, and no more are of use."
    else:
        step = f"Shorten it, or: {command}"
    return Explanation(
        f"The prompt has {prompt:,} tokens, the context window only {window:,}",
        "Instructions, tools and earlier turns count as well.",
        step,
        text,
        "context overflow",
    )


def _read(body: str) -> tuple[str, int | None, int | None]:
    """The message of `body`, and the tokens of prompt and context window if it has them."""
    try:
        outer = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return body, None, None
    inner = outer.get("error")
    error = inner if isinstance(inner, dict) else {}
    message = _first_text((error.get("message"), inner, outer.get("message"), outer.get("detail")))
    prompt, window = error.get("n_prompt_tokens"), error.get("n_ctx")
    if type(prompt) is int and type(window) is int:
        return message or body, prompt, window
    return message or body, None, None


def _first_text(values: Iterable[Any]) -> str:
    return next((value.strip() for value in values if isinstance(value, str) and value), "")


def _ends(text: str) -> str:
    return text if len(text) <= 2 * HALF else f"{text[:HALF]}\n{text[-HALF:]}"


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), text[1:-1]).strip()


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""


def _shown(model: str) -> str:
    name = short(model)
    return "the model" if not name else name if len(name) <= 80 else f"{name[:79]}…"


def _word(model: str) -> str:
    return shell_word(short(model), "MODEL")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:] if text.startswith("the model") else text

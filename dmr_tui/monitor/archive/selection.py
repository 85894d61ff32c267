"""The requests that a filter selects, as SQL."""

from dmr_tui.measure.request_numbers import ended
from dmr_tui.runner.errors.explain import error_text
from dmr_tui.runner.names import short
from dmr_tui.runner.request import FAILURES, Request
from dmr_tui.state.request_filter import ANY_FAILURE, CallerNames, RequestFilter


def matches(wanted: RequestFilter, request: Request, names: CallerNames) -> bool:
    """Return whether `request` meets every condition that is set."""
    if wanted.since is not None and ended(request) < wanted.since:
        return False
    return matches_kind(
        wanted,
        short(request.model),
        names.get(request.caller, request.caller),
        request.outcome,
        searched_text(request),
    )


def matches_kind(wanted: RequestFilter, model: str, caller: str, outcome: str, text: str) -> bool:
    """Return the same for the few properties that many requests share."""
    if wanted.model is not None and model.lower() != wanted.model.lower():
        return False
    if wanted.caller is not None and caller.lower() != wanted.caller.lower():
        return False
    if wanted.outcome == ANY_FAILURE:
        if outcome not in FAILURES:
            return False
    elif wanted.outcome is not None and outcome != wanted.outcome:
        return False
    if not wanted.words:
        return True
    text = f"{text} {caller}".lower()
    return all(word in text for word in wanted.words.lower().split())


def searched_text(request: Request) -> str:
    """Return the text that a filter's words are searched in, besides the caller's given name."""
    return " ".join(
        (
            request.model,
            request.digest or "",
            request.caller,
            request.api,
            request.outcome,
            error_text(request)[:200],
        )
    )

"""Docker Model Runner over HTTP, as a library: a client, its types, and errors in plain words.

The names are loaded when they are first used: the commands that ask no runner need not wait for
httpx.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dmr_tui.runner.client import RunnerClient
    from dmr_tui.runner.endpoint import BadHost, Endpoint, TlsOptions, parse_host
    from dmr_tui.runner.errors.explain import Explanation, explain
    from dmr_tui.runner.errors.failures import (
        BadAnswer,
        BadCertificates,
        BrokenOff,
        NotARunner,
        ReadOnly,
        Rejected,
        RunnerError,
        TimedOut,
        Unreachable,
    )
    from dmr_tui.runner.records import read_record
    from dmr_tui.runner.request import Request

__all__ = [
    "BadAnswer",
    "BadCertificates",
    "BadHost",
    "BrokenOff",
    "Endpoint",
    "Explanation",
    "NotARunner",
    "ReadOnly",
    "Rejected",
    "Request",
    "RunnerClient",
    "RunnerError",
    "TimedOut",
    "TlsOptions",
    "Unreachable",
    "explain",
    "parse_host",
    "read_record",
]

_MODULES = ("endpoint", "errors.failures", "errors.explain", "request", "records", "client")
"""The quickest to load first."""


def __getattr__(name: str) -> object:
    if name in __all__:
        for module in _MODULES:
            found = vars(import_module(f"{__name__}.{module}")).get(name)
            if found is not None:
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

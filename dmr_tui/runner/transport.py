"""The way to an endpoint, and what each of its failures is called."""

import errno
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from dmr_tui.runner.endpoint import Endpoint
from dmr_tui.runner.errors import (
    BadAnswer,
    BrokenOff,
    NotARunner,
    RunnerError,
    TimedOut,
    Unreachable,
)

_REASONS = {
    errno.ECONNREFUSED: "connection refused: nothing listens there",
    errno.ENOENT: "no such socket",
    errno.EACCES: "no permission to use the socket",
    errno.EHOSTUNREACH: "no route to that host",
    errno.ENETUNREACH: "no network",
    errno.ECONNRESET: "the connection was reset",
}


def transport(endpoint: Endpoint) -> httpx.AsyncHTTPTransport:
    """A transport for `endpoint`, without proxies or retries."""
    limits = httpx.Limits(max_connections=20, max_keepalive_connections=4)
    if endpoint.url.startswith("https://"):
        return httpx.AsyncHTTPTransport(verify=ssl.create_default_context(), limits=limits)
    # Plain HTTP: redirects are not followed, so TLS never happens, and reading the system's
    # certificates would cost 40 ms of the first paint.
    return httpx.AsyncHTTPTransport(verify=False, uds=endpoint.socket, limits=limits)


@contextmanager
def named_errors() -> Iterator[None]:
    """Raises a RunnerError for whatever httpx or the system says inside the block."""
    try:
        yield
    except RunnerError:
        raise
    except (httpx.TimeoutException, TimeoutError) as error:
        raise TimedOut(_timeout(error)) from error
    except httpx.ConnectError as error:
        raise Unreachable(_reason(error)) from error
    except httpx.RemoteProtocolError as error:
        raise _protocol(error) from error
    except (httpx.NetworkError, OSError) as error:
        raise BrokenOff("the connection broke in the middle of an answer") from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise BadAnswer(str(error) or type(error).__name__) from error
    except UnicodeDecodeError as error:
        raise BadAnswer("the answer is not text") from error


def _timeout(error: Exception) -> str:
    if isinstance(error, httpx.ConnectTimeout):
        return "no connection in time: a firewall, or a machine that is off"
    return "connected, but no answer in time"


def _reason(error: BaseException) -> str:
    text = str(error)
    cause: BaseException | None = error
    while cause is not None:
        number = getattr(cause, "errno", None)
        if isinstance(cause, OSError) and number in _REASONS:
            return _REASONS[number]
        if isinstance(cause, ssl.SSLError):
            return f"TLS: {cause.reason or cause}".replace("_", " ").lower()
        if type(cause).__name__ == "gaierror":
            return "no such host name"
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
            continue
        cause = cause.__cause__ or cause.__context__
    if "AF_UNIX path too long" in text:
        return "the path of the socket is too long"
    return text or "no connection"


def _protocol(error: httpx.RemoteProtocolError) -> RunnerError:
    text = str(error)
    if "illegal" in text or "malformed" in text.lower():
        return NotARunner("what answers there does not speak HTTP")
    if "without sending a response" in text:
        return BrokenOff("the connection was closed without an answer; the runner may be starting")
    return BrokenOff("the connection ended in the middle of an answer")

"""The transport to an endpoint, and a RunnerError for each of its failures."""

import errno
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from dmr_tui.runner.endpoint import Endpoint
from dmr_tui.runner.errors.failures import (
    BadAnswer,
    BadCertificates,
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


OWN_CA = Path(".docker/model-runner/certs/ca.crt")
"""The authority that signs the certificates of DMR's own making, in the user's home."""


def transport(endpoint: Endpoint) -> httpx.AsyncHTTPTransport:
    """A transport for `endpoint`, without proxies or retries. Raises BadCertificates."""
    limits = httpx.Limits(max_connections=20, max_keepalive_connections=4)
    if endpoint.tls:
        return httpx.AsyncHTTPTransport(verify=_tls(endpoint), limits=limits)
    # Plain HTTP: redirects are not followed, so TLS never happens, and reading the system's
    # certificates would cost 40 ms of the first paint.
    return httpx.AsyncHTTPTransport(verify=False, uds=endpoint.socket, limits=limits)


def _tls(endpoint: Endpoint) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not endpoint.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    own = Path(os.path.expanduser("~")) / OWN_CA
    file = endpoint.ca or (str(own) if own.is_file() else "")
    if file:
        try:
            context.load_verify_locations(cafile=os.path.expanduser(file))
        except FileNotFoundError:
            raise BadCertificates(f"TLS: there is no file {file}") from None
        except ssl.SSLError:
            raise BadCertificates(f"TLS: {file} holds no certificate (PEM)") from None
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise BadCertificates(f"TLS: {file} cannot be read: {why}") from None
    return context


@contextmanager
def named_errors() -> Iterator[None]:
    """Raise a RunnerError for each error of httpx or the system inside the block."""
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
    except RuntimeError as error:
        if "closed" not in str(error):
            raise
        # What httpx says of a client that is closed: its runner was given up as lost.
        raise Unreachable("the runner was lost and is being looked for") from error


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
            return _tls_words(cause)
        if type(cause).__name__ == "gaierror":
            return "no such host name"
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
            continue
        cause = cause.__cause__ or cause.__context__
    if "AF_UNIX path too long" in text:
        return "the path of the socket is too long"
    return text or "no connection"


def _tls_words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = str(error.verify_message or "").lower()
        if "ip address mismatch" in why or "hostname mismatch" in why:
            return "TLS: the certificate is for another name than this address"
        if "issuer" in why or "self-signed" in why or "self signed" in why:
            return "TLS: nobody whom this computer trusts has signed the certificate"
        if "expired" in why or "not yet valid" in why:
            return f"TLS: the {why}; a wrong clock looks the same"
        return f"TLS: the certificate was not accepted: {why}"
    if "WRONG_VERSION_NUMBER" in (error.reason or "") or "RECORD" in (error.reason or ""):
        return "TLS: this port speaks plain HTTP"
    return f"TLS: {error.reason or error}".replace("_", " ").lower()


def _protocol(error: httpx.RemoteProtocolError) -> RunnerError:
    text = str(error)
    if "illegal" in text or "malformed" in text.lower():
        return NotARunner("what answers there does not speak HTTP")
    if "without sending a response" in text:
        return BrokenOff("the connection was closed without an answer; the runner may be starting")
    return BrokenOff("the connection ended in the middle of an answer")

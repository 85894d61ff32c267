"""Looks for the runner where it may be; one that answers ends the search."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import anyio

from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.discovery.docker_engine import DockerEngine, ask_docker
from dmr_tui.runner.discovery.places import Places, by_docker
from dmr_tui.runner.endpoint import Endpoint
from dmr_tui.runner.errors.explain import Explanation
from dmr_tui.runner.errors.failures import BadAnswer, NotARunner, Rejected, RunnerError
from dmr_tui.state.snapshot import Attempt

PATIENCE_S = 0.5
"""Seconds that a runner at a usual address waits for what Docker has to say."""
TO_HTTPS = "Client sent an HTTP request to an HTTPS server"


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a search."""

    client: RunnerClient | None = None
    """The client of the runner that was chosen; the caller closes it."""
    attempts: tuple[Attempt, ...] = ()
    """The answer of every address, in the order of preference."""
    engines: tuple[DockerEngine, ...] | None = None
    """The answers of the Docker Engines; None if they were not waited for."""

    @property
    def tried(self) -> str:
        """Every address with its answer, in one line."""
        return "; ".join(f"{each.endpoint.label}: {each.answer}" for each in self.attempts)

    @property
    def no_runner(self) -> Explanation:
        """The reason why no runner is there."""
        return Explanation("No runner answers", self.tried, "dmr-tui doctor says what to do.")


class Search:
    """Asks Docker and the usual addresses at the same time, so that neither waits for the other."""

    def __init__(self, places: Places, *, read_only: bool) -> None:
        self._places = places
        self._read_only = read_only
        self._engines: tuple[DockerEngine, ...] | None = None

    async def run(self) -> Found:
        """Look once everywhere."""
        asked, known = anyio.Event(), Found()
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._ask_docker, asked)
                known = await self._try(self._places.known)
                # Without a runner there is nothing to do but to wait for Docker; an Engine that
                # hangs must not keep a runner that answers from being shown.
                with anyio.move_on_after(PATIENCE_S if known.client else None):
                    await asked.wait()
                group.cancel_scope.cancel()
            return known if self._engines is None else await self._choose(known, self._engines)
        except BaseException:
            await _close(known.client)
            raise

    async def _ask_docker(self, asked: anyio.Event) -> None:
        answers = []
        for socket in self._places.sockets:
            answers.append(await ask_docker(socket.path, socket.rule, cloud=socket.cloud))
        self._engines = tuple(answers)
        asked.set()

    async def _choose(self, known: Found, engines: tuple[DockerEngine, ...]) -> Found:
        tried, by_engine = {attempt.endpoint.url for attempt in known.attempts}, Found()
        better = _distinct(place for each in engines for place in by_docker(each, self._places.tls))
        new = [each for each in better if each.socket is not None or each.url not in tried]
        if not known.attempts or not _same_place(better, known):
            by_engine = await self._try(new)
        if by_engine.client is not None:
            await _close(known.client)
        attempts = (*by_engine.attempts, *known.attempts)
        return Found(by_engine.client or known.client, attempts, engines)

    async def _try(self, endpoints: Iterable[Endpoint]) -> Found:
        """Try one after the other, up to the first that answers."""
        attempts: list[Attempt] = []
        for endpoint in endpoints:
            client = None
            try:
                client = RunnerClient(endpoint, read_only=self._read_only)
                await client.ps()
            except RunnerError as error:
                await _close(client)
                attempts.append(Attempt(endpoint, words(error), error=type(error).__name__))
            except BaseException:
                await _close(client)
                raise
            else:
                attempts.append(Attempt(endpoint, "a runner answers", ok=True))
                return Found(client, tuple(attempts))
        return Found(attempts=tuple(attempts))


def _same_place(better: Sequence[Endpoint], known: Found) -> bool:
    """Return whether Docker names first the address at which a runner has answered."""
    client = known.client
    first = next(iter(better), None)
    return client is not None and first is not None and first.url == client.endpoint.url


def _distinct(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    found: dict[tuple[str, str | None], Endpoint] = {}
    for each in endpoints:
        found.setdefault((each.url, each.socket), each)
    return list(found.values())


async def _close(client: RunnerClient | None) -> None:
    if client is not None:
        with anyio.CancelScope(shield=True):
            await client.aclose()


def words(error: RunnerError) -> str:
    """Say what came back from an address, to a user who looks for a runner."""
    if isinstance(error, Rejected) and TO_HTTPS in error.body:
        return "this port speaks TLS: write https://"
    if isinstance(error, Rejected) and error.body.startswith("<"):
        return f"something answers, but not Docker Model Runner ({error.status}, a web page)"
    if isinstance(error, Rejected | BadAnswer | NotARunner):
        return f"something answers, but not Docker Model Runner ({error})"
    return str(error)

"""The failures of a request to the runner: one class for each next step of the user."""


class RunnerError(Exception):
    """A request that failed; the text is one sentence without credentials."""


class Unreachable(RunnerError):
    """Nothing answers there: refused, no such host, no such socket, no permission."""


class BadCertificates(Unreachable):
    """The file with the certificates to check the runner's with cannot be used."""


class TimedOut(RunnerError):
    """Something took the request and did not answer in time."""


class BrokenOff(RunnerError):
    """The connection ended in the middle of an answer."""


class NotARunner(RunnerError):
    """Something answers there, and it is not Docker Model Runner."""


class BadAnswer(RunnerError):
    """The runner answered something that cannot be read."""


class Rejected(RunnerError):
    """The runner, or the engine behind it, answered with an error status."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status}: {body.strip() or 'no text'}")
        self.status = status
        self.body: str = body.strip()


class ReadOnly(RunnerError):
    """A request that changes the runner, in read-only mode; nothing was sent."""

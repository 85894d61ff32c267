"""How a call to the runner can fail: one class for each thing that a person would do next."""


class RunnerError(Exception):
    """A call that failed; the text is one sentence without credentials or addresses' secrets."""


class Unreachable(RunnerError):
    """Nothing answers there: refused, no such host, no such socket, no permission."""


class BadCertificates(Unreachable):
    """The file with the certificates to check the runner's with cannot be used."""


class TimedOut(RunnerError):
    """Something took the call and did not answer in time."""


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
    """A call that changes the runner, in read-only mode; nothing was sent."""

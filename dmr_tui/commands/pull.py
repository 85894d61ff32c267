"""`dmr-tui pull`: what it is and whether it fits, then the download."""

import json
import sys
from typing import Any

import anyio
import anyio.to_thread

from dmr_tui.commands.pipe import print_line
from dmr_tui.commands.target import chosen, found_runner
from dmr_tui.export.picked import picked
from dmr_tui.machine.probe import MachineProbe
from dmr_tui.monitor.actions.pulls import Pulls, look_up
from dmr_tui.monitor.model_rows import Installed
from dmr_tui.monitor.poller import Poller
from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.discovery.places import Places
from dmr_tui.runner.errors.explain import Explanation
from dmr_tui.runner.names import is_reference
from dmr_tui.settings.errors import BadSettings
from dmr_tui.settings.schema import Settings
from dmr_tui.state.plan import Pull
from dmr_tui.state.replies import RemoteModel
from dmr_tui.text import format
from dmr_tui.text.format import Units
from dmr_tui.text.memory import free_text, load_advice, need_text
from dmr_tui.text.sanitize import plain
from dmr_tui.text.turns import failure_lines

PULLED, FAILED, NO_RUNNER = 0, 1, 2
STEP = 0.1
"""Share of the model between two lines where no terminal can draw one over the other."""
PROGRESS = (
    "name done_bytes=done total_bytes=total resumed_bytes=resumed rate_bytes_s=rate left_s"
    " said=message?"
)


def run_pull(settings: Settings, name: str, *, demo: bool, as_json: bool, yes: bool) -> int:
    """Look the name up, download the model, and return the exit code.

    A model that is too big for this computer is downloaded only with `yes`, or if the user agrees.
    """
    if not is_reference(name):
        raise BadSettings(f"{plain(name)!r} is no name of a model; write ai/smollm2 or hf.co/…")
    if settings.read_only:
        raise BadSettings("pull: --read-only forbids it")
    units = settings.preferences.units
    printer = _JsonPrinter(units) if as_json else _TextPrinter(units)
    with chosen(settings, demo=demo) as (places, machine):

        async def session() -> int:
            async with found_runner(places, read_only=False) as found:
                if found.client is None:
                    printer.fail(found.no_runner)
                    return NO_RUNNER
                return await _pull(found.client, name, machine, printer, yes=yes)

        try:
            return anyio.run(session)
        except KeyboardInterrupt:
            text = "stopped; the runner keeps what has come, and goes on from there next time"
            print(f"\ndmr-tui: {text}", file=sys.stderr)
            raise


async def _pull(
    client: RunnerClient, name: str, machine: MachineProbe, printer: "_TextPrinter", *, yes: bool
) -> int:
    remote = await _look_up(client, name, machine)
    printer.remote(remote)
    if remote.row is None:
        return FAILED
    doubtful = remote.never_fits and not remote.installed and not yes
    # In a thread: a wait for a line on the loop would not notice Ctrl+C.
    if doubtful and not await anyio.to_thread.run_sync(printer.asks, abandon_on_cancel=True):
        return FAILED
    pulls = Pulls(lambda: printer.progress(pulls.state[-1]))
    await pulls.run(client, name, lambda: None)
    pull = pulls.state[-1]
    printer.end(pull)
    return PULLED if pull.state == "done" else FAILED


async def _look_up(client: RunnerClient, name: str, machine: MachineProbe) -> RemoteModel:
    """With the verdict that the memory of this computer allows."""
    poller = Poller(Places((client.endpoint,)), machine, lambda _: None, read_only=True)
    await poller.once()
    runner = poller.runner_monitor
    installed = Installed(()) if runner is None else runner.installed
    return await look_up(client, name, installed, poller.later.loading)


class _TextPrinter:
    """Facts on standard output; progress, questions and failures on standard error."""

    def __init__(self, units: Units) -> None:
        self._units = units
        self._terminal = sys.stderr.isatty()
        self._can_ask = self._terminal and sys.stdin.isatty()
        self._told = -1.0
        self._width = 0

    def remote(self, remote: RemoteModel) -> None:
        """Print what was found."""
        if remote.row is None:
            self.fail(remote.failure or Explanation("It was not found"))
            return
        row, fit, pool = remote.row, remote.fit, remote.pool.value
        facts = [
            plain(format.told_size(row.size_text, row.size_bytes)),
            plain(row.quantization or format.UNKNOWN),
            f"{format.parameters(row.parameters)} parameters",
            f"context {format.window(row.context.packaged or row.context.trained)}",
        ]
        print_line(f"{plain(row.name)}: {', '.join(facts)}")
        if fit is not None and fit.need.total.value is not None:
            needs = need_text(fit.need, self._units)
            tokens = format.window(fit.need.launch.context)
            free = "" if pool is None else f", {free_text(pool, self._units)} free"
            print_line(f"needs {needs} of memory with {tokens} of context: {fit.verdict}{free}")
        if fit is not None and fit.lacks_memory and (ways := load_advice(fit, remote.names)):
            print_line(f"to load it: {', or '.join(map(plain, ways))}")

    def progress(self, pull: Pull) -> None:
        """Print how far it is."""
        if self._terminal:
            self._over(_line(pull))
        elif pull.share is not None and pull.share >= self._told + STEP:
            self._told = pull.share
            print(_line(pull), file=sys.stderr, flush=True)

    def end(self, pull: Pull) -> None:
        """Print how it ended."""
        if self._terminal:
            self._over(_line(pull))
            print(file=sys.stderr)
        elif pull.share is not None and pull.share > self._told:
            print(_line(pull), file=sys.stderr)
        if pull.failure is not None:
            self.fail(pull.failure)
        elif pull.state == "done":
            print_line(plain(pull.message) or "done")

    def fail(self, why: Explanation) -> None:
        """Print why there is nothing to print."""
        for line in failure_lines(why):
            print(f"dmr-tui: {plain(line)}", file=sys.stderr)

    def asks(self) -> bool:
        """Ask whether the model is wanted although it is too big."""
        if not self._can_ask:
            text = "dmr-tui: it does not fit into this computer; --yes downloads it anyway"
            print(text, file=sys.stderr)
            return False
        text = "It does not fit into this computer. Download it anyway? [y/N] "
        print(text, end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    def _over(self, line: str) -> None:
        # What is shorter than the line before would leave its end standing.
        print(f"\r{line:{self._width}}", end="", file=sys.stderr, flush=True)
        self._width = len(line)


class _JsonPrinter(_TextPrinter):
    """One object each line; it asks nothing."""

    def __init__(self, units: Units) -> None:
        super().__init__(units)
        self._can_ask = False

    def remote(self, remote: RemoteModel) -> None:
        row, fit = remote.row, remote.fit
        if row is None:
            self.fail(remote.failure or Explanation("It was not found"))
            return
        self._print(
            "found",
            {
                **picked(remote, "name installed"),
                **picked(row, "digest size_bytes quantization parameters"),
                "context": row.context.packaged or row.context.trained,
                "needs_bytes": None if fit is None else fit.need.total.value,
                "verdict": None if fit is None else fit.verdict,
                "free_bytes": None if remote.pool.value is None else remote.pool.value.free,
                "ways_to_load": [] if fit is None else load_advice(fit, remote.names),
            },
        )

    def progress(self, pull: Pull) -> None:
        if pull.state == "pulling":
            self._print("progress", picked(pull, PROGRESS))

    def end(self, pull: Pull) -> None:
        if pull.failure is not None:
            self.fail(pull.failure)
        else:
            self._print(pull.state, picked(pull, PROGRESS))

    def fail(self, why: Explanation) -> None:
        self._print("failed", picked(why, "what cause step"))

    def _print(self, event: str, facts: dict[str, Any]) -> None:
        print_line(json.dumps({"event": event, **facts}))


def _line(pull: Pull) -> str:
    """Return the progress in one line."""
    if pull.state == "waiting":
        return "waiting for the runner …"
    share = format.UNKNOWN if pull.share is None else f"{100.0 * pull.share:.0f} %"
    words = [f"{share}  {format.disk(pull.done)} of {format.disk(pull.total)}"]
    if pull.rate is not None:
        words.append(f"{format.disk(int(pull.rate))}/s")
    if pull.left_s is not None and pull.going:
        words.append(f"{format.clock(pull.left_s)} left")
    return "  ".join(words)

"""The commands. Textual, the simulator and drivers are imported only by those that need them."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from dmr_tui import __version__
from dmr_tui.runner.endpoint import BadHost
from dmr_tui.settings import BadSettings, Settings, load

USAGE = 64
"""Exit code for a flag, variable or file that cannot be used (EX_USAGE)."""

Host = Annotated[
    str | None, typer.Option(help="The runner: URL, host:port, or the path of a unix socket.")
]
Interval = Annotated[
    float | None, typer.Option(help="Seconds between two polls, 0.25 to 60.", metavar="S")
]
ReadOnly = Annotated[
    bool | None, typer.Option("--read-only", help="Send nothing that changes the runner.")
]
Demo = Annotated[
    bool | None, typer.Option("--demo", help="A simulated runner instead of a real one.")
]
Config = Annotated[
    Path | None, typer.Option(help="Another settings file than the usual one.", metavar="FILE")
]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]

app = typer.Typer(
    name="dmr-tui",
    help="The terminal dashboard of Docker Model Runner.",
    no_args_is_help=False,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@dataclass(frozen=True)
class Given:
    """The options that every command takes, before or after its name."""

    host: str | None = None
    interval: float | None = None
    read_only: bool | None = None
    theme: str | None = None
    demo: bool | None = None
    config: Path | None = None
    archive: bool | None = None
    archive_days: float | None = None
    archive_mb: float | None = None
    archive_bodies: bool | None = None

    def over(self, before: "Given") -> "Given":
        """These where they were given, else those from before the command's name."""
        pairs = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return Given(
            **{
                name: getattr(before, name) if value is None else value
                for name, value in pairs.items()
            }
        )

    def settings(self) -> Settings:
        """The settings in force. Raises BadSettings."""
        flags = {
            "host": self.host,
            "interval": self.interval,
            "read_only": self.read_only,
            "theme": self.theme,
            "archive": self.archive,
            "archive_days": self.archive_days,
            "archive_mb": self.archive_mb,
            "archive_bodies": self.archive_bodies,
        }
        return load(flags, path=self.config)


@contextmanager
def _kept_imports() -> Iterator[None]:
    # Searching for cycles stops every thread, in the middle of a measurement as well: a tenth of a
    # second for all that is imported here, which stays until the end and need not be searched.
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dmr-tui {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def dashboard(
    context: typer.Context,
    host: Host = None,
    interval: Interval = None,
    read_only: ReadOnly = None,
    theme: Annotated[
        str | None,
        typer.Option(help="dmr-dark, dmr-light, ansi-dark or ansi-light.", metavar="NAME"),
    ] = None,
    demo: Demo = None,
    config: Config = None,
    archive: Annotated[
        bool | None,
        typer.Option("--archive/--no-archive", help="Keep calls on disk; without their prompts."),
    ] = None,
    archive_days: Annotated[
        float | None, typer.Option(help="Delete calls that are older.", metavar="N")
    ] = None,
    archive_mb: Annotated[
        float | None, typer.Option(help="Delete the oldest calls beyond this.", metavar="N")
    ] = None,
    archive_bodies: Annotated[
        bool | None,
        typer.Option(
            "--archive-bodies/--no-archive-bodies", help="Keep prompts and answers as well."
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Open the dashboard. Without --host the runner is looked for where it usually is."""
    given = Given(
        host,
        interval,
        read_only,
        theme,
        demo,
        config,
        archive,
        archive_days,
        archive_mb,
        archive_bodies,
    )
    context.obj = given
    if context.invoked_subcommand is None:
        with _kept_imports():
            from dmr_tui.commands.dashboard import run_dashboard

        raise typer.Exit(run_dashboard(given.settings(), demo=bool(given.demo)))


@app.command()
def status(
    context: typer.Context,
    json: Json = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, one each interval.")] = False,
    host: Host = None,
    interval: Interval = None,
    read_only: ReadOnly = None,
    demo: Demo = None,
    config: Config = None,
) -> None:
    """Print what is true now. Exit code 0: healthy, 1: degraded, 2: no runner."""
    from dmr_tui.commands.status import run_status

    given = Given(host, interval, read_only, None, demo, config).over(context.obj)
    raise typer.Exit(run_status(given.settings(), demo=bool(given.demo), as_json=json, watch=watch))


@app.command()
def ask(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="Any name of an installed model.")],
    prompt: Annotated[str, typer.Argument(help="The prompt; - reads it from standard input.")],
    json: Json = False,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="End the answer here.")] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0.0, help="Sampling temperature.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the sampling.")] = None,
    system: Annotated[str | None, typer.Option(help="A system prompt.")] = None,
    host: Host = None,
    interval: Interval = None,
    read_only: ReadOnly = None,
    demo: Demo = None,
    config: Config = None,
) -> None:
    """Send one test prompt and print the answer with its numbers.

    Exit code 0: answered, 1: failed, 2: no runner.
    """
    from dmr_tui.commands.ask import run_ask

    given = Given(host, interval, read_only, None, demo, config).over(context.obj)
    text = sys.stdin.read() if prompt == "-" else prompt
    raise typer.Exit(
        run_ask(
            given.settings(),
            model,
            text,
            demo=bool(given.demo),
            as_json=json,
            max_tokens=max_tokens,
            temperature=temperature,
            seed=seed,
            system=system,
        )
    )


@app.command()
def requests(
    context: typer.Context,
    since: Annotated[
        str | None,
        typer.Option(help="Ended since: 90s, 15m, 24h, 7d ago, or 2026-08-01T12:30.", metavar="T"),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Of this model only.")] = None,
    caller: Annotated[str | None, typer.Option(help="Of this caller only.")] = None,
    status: Annotated[
        str | None, typer.Option(help="With this end only: ok, cut, failed, client-left, …")
    ] = None,
    grep: Annotated[
        str | None,
        typer.Option(help="With all of these words in model, caller, API, status, error."),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="The newest N; 0 prints all.")] = 200,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with those that end now.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object each line.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="A table with a header.")] = False,
    host: Host = None,
    demo: Demo = None,
    config: Config = None,
) -> None:
    """Print the calls that the dashboard kept, the oldest first.

    Exit code 0: printed, also if there are none, 1: the archive cannot be read.
    """
    from dmr_tui.commands.requests import Choice, run_requests

    given = Given(host=host, demo=demo, config=config).over(context.obj)
    choice = Choice(since, model, caller, status, grep, limit, follow, json, csv)
    raise typer.Exit(run_requests(given.settings(), choice, demo=bool(given.demo)))


@app.command()
def simulate(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 12434,
    scenario: Annotated[str, typer.Option(help="What happens; --list shows them all.")] = "quiet",
    seed: Annotated[int, typer.Option(help="The same seed makes the same run.")] = 0,
    engine: Annotated[
        str | None, typer.Option(help="A real llama-server that answers.", metavar="URL")
    ] = None,
    cpus: Annotated[int, typer.Option(min=1, help="Processors; min(CPUs, 8) runner slots.")] = 8,
    models: Annotated[int | None, typer.Option(min=0, help="More installed models.")] = None,
    show: Annotated[bool, typer.Option("--list", help="List the scenarios.")] = False,
) -> None:
    """Serve a Model Runner without models, for anyone's tests."""
    with _kept_imports():
        from dmr_tui.commands.simulate import run_simulate

    raise typer.Exit(
        run_simulate(
            port=port,
            scenario=scenario,
            seed=seed,
            engine=engine,
            cpus=cpus,
            models=models,
            show=show,
        )
    )


def main() -> None:
    """The console script: every foreseeable failure is one line, not a traceback."""
    # The exit code of a wrong option is 2 otherwise, which here means that no runner answers.
    usage_error: Any = typer.BadParameter.__base__
    usage_error.exit_code = USAGE
    try:
        app()
    except (BadHost, BadSettings) as error:
        print(f"dmr-tui: {error}", file=sys.stderr)
        sys.exit(USAGE)

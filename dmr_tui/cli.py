"""The commands. Textual, the simulator and drivers are imported only where they are used."""

import errno
import gc
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from dmr_tui import __version__
from dmr_tui.commands.pipe import drop_output
from dmr_tui.runner.endpoint import BadHost
from dmr_tui.settings.errors import BadSettings

USAGE, INTERRUPTED = 64, 130
"""Exit codes: a flag, variable or file that cannot be used (EX_USAGE); Ctrl+C."""

Text = str | None
Switch = bool | None
Number = float | None

OUTPUT_FAILED = 74
"""Exit code if standard output cannot be written (EX_IOERR)."""

app = typer.Typer(
    name="dmr-tui",
    help="The terminal dashboard of Docker Model Runner.",
    no_args_is_help=False,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _option(sentence: str, metavar: str | None = None, **limits: Any) -> Any:
    return typer.Option(help=sentence, metavar=metavar, **limits)


def _flag(name: str, sentence: str, *short: str) -> Any:
    """Return an option without its opposite."""
    return typer.Option(name, *short, help=sentence)


Json = Annotated[bool, _flag("--json", "JSON instead of text.")]
JsonLines = Annotated[bool, _flag("--json", "One JSON object each line.")]


class Command(TyperCommand):
    """A command that takes the dashboard's options after its name as well."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its own parameters, then those of the dashboard."""
        return [*super().get_params(ctx), *_shared(ctx)]

    def invoke(self, ctx: Any) -> Any:
        """Hand the dashboard's options on, and the others to the command; end with its code."""
        ctx.obj.take({each.name: ctx.params.pop(each.name) for each in _shared(ctx)})
        try:
            code = super().invoke(ctx)
        except KeyboardInterrupt:
            code = INTERRUPTED
        raise typer.Exit(code)


def _shared(ctx: Any) -> list[Any]:
    return [each for each in ctx.parent.command.params if each.name in SHARED]


@contextmanager
def _kept_imports() -> Iterator[None]:
    # Searching for cycles stops every thread, in the middle of a measurement as well: a tenth of a
    # second for all that is imported here, which stays until the end and is never garbage.
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
    ctx: typer.Context,
    host: Annotated[
        Text, _option("The runner: URL, host:port, or the path of a unix socket.")
    ] = None,
    context: Annotated[Text, _option("A context of docker model, or of Docker.", "NAME")] = None,
    tls: Annotated[Switch, _option("Speak TLS to it.")] = None,
    tls_skip_verify: Annotated[Switch, _option("Take any certificate.")] = None,
    tls_ca_cert: Annotated[
        Text, _option("Certificates of those who may sign the runner's.", "FILE")
    ] = None,
    interval: Annotated[Number, _option("Seconds between two polls, 0.25 to 60.", "S")] = None,
    read_only: Annotated[Switch, _option("Send nothing that changes the runner.")] = None,
    theme: Annotated[Text, _option("dmr-dark, dmr-light, ansi-dark or ansi-light.", "NAME")] = None,
    memory_unit: Annotated[Text, _option("How memory is counted: GiB or GB.", "UNIT")] = None,
    temperature_unit: Annotated[Text, _option("Degrees: C or F.", "UNIT")] = None,
    key: Annotated[
        list[str] | None, _option("Other keys; config --keys lists the IDs.", "ID=KEYS")
    ] = None,
    threshold: Annotated[
        list[str] | None, _option("What is heavy or critical; config lists them.", "NAME=A,B,C")
    ] = None,
    demo: Annotated[Switch, _flag("--demo", "A simulated runner instead of a real one.")] = None,
    config: Annotated[
        Path | None, _option("Another settings file than the usual one.", "FILE")
    ] = None,
    archive: Annotated[Switch, _option("Keep requests on disk; without their prompts.")] = None,
    archive_file: Annotated[Text, _option("Keep them in this file.", "FILE")] = None,
    archive_days: Annotated[Number, _option("Delete requests that are older.", "N")] = None,
    archive_mb: Annotated[Number, _option("Delete the oldest requests beyond this.", "N")] = None,
    archive_bodies: Annotated[Switch, _option("Keep prompts and answers as well.")] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Open the dashboard. Without --host the runner is looked for where it usually is."""
    from dmr_tui.commands.options import Given

    given = ctx.obj = Given()
    given.take({name: ctx.params[name] for name in SHARED})
    if ctx.invoked_subcommand is None:
        with _kept_imports():
            from dmr_tui.commands.dashboard import run_dashboard

        raise typer.Exit(run_dashboard(given.settings(), demo=given.demo))


SHARED = tuple(
    name for name in dashboard.__annotations__ if name not in {"ctx", "version", "return"}
)


@app.command(cls=Command)
def status(
    ctx: typer.Context,
    json: Json = False,
    watch: Annotated[bool, _flag("--watch", "Go on, one each interval.")] = False,
) -> int:
    """Print what is true now. Exit code 0: healthy, 1: degraded, 2: no runner.

    With --watch until Ctrl+C; the exit code is that of what was printed last.
    """
    from dmr_tui.commands.status import run_status

    return run_status(ctx.obj.settings(), demo=ctx.obj.demo, as_json=json, watch=watch)


@app.command(cls=Command)
def doctor(
    ctx: typer.Context,
    json: Json = False,
    prove: Annotated[
        bool, _flag("--prove", "Load the smallest model, to see an engine work.")
    ] = False,
) -> int:
    """Check everything, and print what is wrong and what fixes it.

    Exit code 0: healthy, 1: something is wrong, 2: no runner.
    """
    from dmr_tui.commands.doctor import run_doctor

    return run_doctor(ctx.obj.settings(), demo=ctx.obj.demo, as_json=json, prove=prove)


@app.command(cls=Command)
def pull(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="As in docker model pull: ai/smollm2, hf.co/…")],
    json: JsonLines = False,
    yes: Annotated[bool, _flag("--yes", "Also if it does not fit into memory.", "-y")] = False,
) -> int:
    """Look a model up, say whether it fits, and download it.

    Exit code 0: downloaded, 1: failed, 2: no runner.
    """
    from dmr_tui.commands.pull import run_pull

    return run_pull(ctx.obj.settings(), name, demo=ctx.obj.demo, as_json=json, yes=yes)


@app.command(cls=Command)
def ask(
    ctx: typer.Context,
    model: Annotated[str, typer.Argument(help="Any name of an installed model.")],
    prompt: Annotated[str, typer.Argument(help="The prompt; - reads it from standard input.")],
    json: Json = False,
    max_tokens: Annotated[int | None, _option("End the answer here.", min=1)] = None,
    temperature: Annotated[Number, _option("Sampling temperature.", min=0.0, max=2.0)] = None,
    seed: Annotated[int | None, _option("Seed of the sampling.")] = None,
    system: Annotated[Text, _option("A system prompt.")] = None,
) -> int:
    """Send one test prompt and print the answer with its numbers.

    Exit code 0: answered, 1: failed, 2: no runner.
    """
    from dmr_tui.commands.ask import run_ask
    from dmr_tui.state.prompt import Message, Prompt

    if not model.strip():
        raise BadSettings("the name of the model is empty")
    text = sys.stdin.read() if prompt == "-" else prompt
    if not text.strip():
        raise BadSettings("the prompt is empty")
    asked = Message("user", text)
    messages = (Message("system", system), asked) if system else (asked,)
    given = Prompt(model, messages, temperature, max_tokens, seed)
    return run_ask(ctx.obj.settings(), given, demo=ctx.obj.demo, as_json=json)


@app.command(cls=Command)
def requests(
    ctx: typer.Context,
    since: Annotated[
        Text, _option("Ended since: 90s, 15m, 24h, 7d ago, or 2026-08-01T12:30.", "T")
    ] = None,
    model: Annotated[Text, _option("Of this model only.")] = None,
    caller: Annotated[Text, _option("Of this caller only.")] = None,
    status: Annotated[Text, _option("With this end only: ok, cut, failed, client-left, …")] = None,
    grep: Annotated[
        Text, _option("With all of these words in model, caller, API, status, error.")
    ] = None,
    limit: Annotated[int, _option("The newest N; 0 prints all.", min=0)] = 200,
    follow: Annotated[bool, _flag("--follow", "Go on with those that end now.")] = False,
    json: JsonLines = False,
    csv: Annotated[bool, _flag("--csv", "A table with a header.")] = False,
) -> int:
    """Print the requests that the dashboard kept, the oldest first.

    Exit code 0: printed, also if there are none, 1: the archive cannot be read.
    """
    from dmr_tui.commands.requests import Choice, run_requests

    choice = Choice(since, model, caller, status, grep, limit, follow, json, csv)
    return run_requests(ctx.obj.settings(), choice, demo=ctx.obj.demo)


@app.command("config", cls=Command)
def configuration(
    ctx: typer.Context,
    json: Json = False,
    example: Annotated[
        bool, _flag("--example", "A settings file with every key, to start from.")
    ] = False,
    keys: Annotated[bool, _flag("--keys", "Every ID that can have other keys.")] = False,
) -> int:
    """Print the settings in force, and where each of them comes from."""
    from dmr_tui.commands.config import run_config

    return run_config(ctx.obj.settings, ctx.obj.file, as_json=json, example=example, keys=keys)


@app.command()
def simulate(
    ctx: typer.Context,
    port: Annotated[int, _option("0 takes a free one.", min=0, max=65535)] = 12434,
    scenario: Annotated[str, _option("What happens; --list shows them all.")] = "quiet",
    seed: Annotated[int, _option("The same seed makes the same run.")] = 0,
    engine: Annotated[Text, _option("A real llama-server that answers.", "URL")] = None,
    cpus: Annotated[int, _option("Processors; min(CPUs, 8) runner slots.", min=1)] = 8,
    models: Annotated[int | None, _option("More installed models.", min=0)] = None,
    show: Annotated[bool, _flag("--list", "List the scenarios.")] = False,
) -> None:
    """Serve a Model Runner without models, for your own tests."""
    if (name := ctx.obj.first) is not None:
        raise BadSettings(f"simulate takes its own options only, not --{name.replace('_', '-')}")
    with _kept_imports():
        from dmr_tui.commands.simulate import run_simulate

    raise typer.Exit(run_simulate(port, scenario, seed, engine, cpus, models, show=show))


def main() -> None:
    """The console script: every foreseeable failure is one line, not a traceback."""
    # httpx also imports its own command line, and with it a syntax highlighter, unless that cannot
    # be imported; that is a quarter of the time until the first paint. Only the program may decide
    # so for its interpreter, not a module that scripts import as well.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    # The exit code of a wrong option is 2 otherwise, which here means that no runner answers.
    usage_error: Any = typer.BadParameter.__base__
    usage_error.exit_code = USAGE
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal or file that takes ASCII only gets question marks, not a traceback.
            stream.reconfigure(errors="replace")
    try:
        if any(_is_no_text(word) for word in sys.argv):
            raise BadSettings("an argument is no text in this locale")
        try:
            app()
        finally:
            sys.stdout.flush()
    except (BadHost, BadSettings) as error:
        print(f"dmr-tui: {error}", file=sys.stderr)
        sys.exit(USAGE)
    except BrokenPipeError:
        drop_output()
        sys.exit(OUTPUT_FAILED)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG}:
            raise
        drop_output()
        print(f"dmr-tui: the output cannot be written: {error.strerror}", file=sys.stderr)
        sys.exit(OUTPUT_FAILED)


def _is_no_text(word: str) -> bool:
    """Return whether an argument has bytes that Python could not decode."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return True
    return False

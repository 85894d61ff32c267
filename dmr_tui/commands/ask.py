"""`dmr-tui ask`: one test prompt without a screen."""

import json
import sys
from typing import Any

import anyio

from dmr_tui.commands.target import chosen, found_runner
from dmr_tui.export.picked import picked
from dmr_tui.measure.meter import Turn
from dmr_tui.monitor.actions.chat import Ask
from dmr_tui.monitor.model_rows import Installed
from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.errors.explain import explain
from dmr_tui.runner.errors.failures import RunnerError
from dmr_tui.settings.schema import Settings
from dmr_tui.state.prompt import Prompt
from dmr_tui.text.sanitize import plain, plain_lines
from dmr_tui.text.turns import failure_lines, figures_line

ANSWERED, FAILED, NO_RUNNER = 0, 1, 2


def run_ask(settings: Settings, prompt: Prompt, *, demo: bool, as_json: bool) -> int:
    """Ask, print, and return the exit code."""
    printer = _JsonPrinter() if as_json else _TextPrinter()
    with chosen(settings, demo=demo) as (places, _):

        async def session() -> int:
            async with found_runner(places, read_only=settings.read_only) as found:
                if found.client is None:
                    printer.show(Turn(prompt.model, ended=True, failure=found.no_runner))
                    return NO_RUNNER
                turn = await _ask(found.client, prompt, printer)
                return FAILED if turn.failure else ANSWERED

        return anyio.run(session)


async def _ask(
    client: RunnerClient, prompt: Prompt, printer: "_JsonPrinter | _TextPrinter"
) -> Turn:
    try:
        installed = Installed(await client.models())
    except RunnerError as error:
        turn = Turn(prompt.model, ended=True, failure=explain(error, prompt.model))
        printer.show(turn)
        return turn
    return await Ask(client, installed, prompt, printer.show).run()


class _JsonPrinter:
    """One object when the answer has ended."""

    def show(self, turn: Turn) -> None:
        if turn.ended:
            print(json.dumps(turn_json(turn)), flush=True)


class _TextPrinter:
    """The answer as it comes on standard output, everything else on standard error."""

    def __init__(self) -> None:
        self._printed = 0
        self._told_load = False
        self._told_reasoning = False

    def show(self, turn: Turn) -> None:
        if turn.loading_since is not None and not self._told_load:
            self._told_load = True
            print(f"loading {plain(turn.model)} …", file=sys.stderr, flush=True)
        if not self._told_reasoning and turn.thoughts and not turn.answer:
            self._told_reasoning = True
            print("reasoning …", file=sys.stderr, flush=True)
        print(plain_lines(turn.answer.since(self._printed)), end="", flush=True)
        self._printed = turn.answer.size
        if turn.ended:
            self._end(turn)

    def _end(self, turn: Turn) -> None:
        if turn.text and not turn.text.endswith("\n"):
            print(flush=True)
        if turn.failure is not None:
            for line in failure_lines(turn.failure):
                print(f"dmr-tui: {plain(line)}", file=sys.stderr)
        if turn.ttft_s is not None:
            print(plain(figures_line(turn)), file=sys.stderr, flush=True)


def turn_json(turn: Turn) -> dict[str, Any]:
    """Return the answer; null where unknown, times in seconds, rates in tokens per second."""
    return {
        **picked(
            turn,
            "model text reasoning? tool_calls finish_reason cold load_s ttft_s first_visible_s"
            " e2e_s wait_s prompt_tokens cached_tokens completion_tokens",
        ),
        "prefill_tok_s": turn.prefill.value if turn.prefill else None,
        "prefill_source": turn.prefill.source if turn.prefill else None,
        "decode_tok_s": turn.decode.value if turn.decode else None,
        "decode_source": turn.decode.source if turn.decode else None,
        **picked(turn, "client_decode_tok_s=client_decode stopped"),
        "error": turn.failure and picked(turn.failure, "what cause? step? detail?"),
    }

"""A dashboard that asks a model again and again, and notes its own lag meanwhile.

usage: python -m tests.bench.streaming HOST TOKENS RUNS RESULT.json
"""

import asyncio
import gc
import json
import sys
import time
from pathlib import Path

from textual import work

from dmr_tui.commands.dashboard import SWITCH_S
from dmr_tui.machine.probe import LocalMachine
from dmr_tui.monitor.live import Monitor
from dmr_tui.runner.endpoint import parse_host
from dmr_tui.ui.app import DashboardApp
from dmr_tui.ui.chat.chat_pane import ChatOptions, ChatPane
from tests.waiting import until

BEAT_S = 0.01


class Streaming(DashboardApp):
    """Drives itself; the result is a file, since the terminal is the dashboard's."""

    def __init__(self, host: str, tokens: int, runs: int, result: Path) -> None:
        super().__init__(Monitor((parse_host(host, "--host"),), LocalMachine()))
        self._tokens = tokens
        self._runs = runs
        self._result = result
        self._lags: list[float] = []

    def on_ready(self) -> None:
        self._drive()

    @work(group="bench")
    async def _drive(self) -> None:
        await until(lambda: bool(self.snapshot.models))
        chat = self.screen.query_one(ChatPane)
        chat.set_options(ChatOptions(max_tokens=self._tokens, temperature=0.8))
        await self._ask(chat, "warm up")
        rates = []
        for number in range(self._runs):
            await chat.clear()
            beat = asyncio.create_task(self._feel_the_lag())
            await self._ask(chat, f"Tell story number {number}.")
            beat.cancel()
            turn = chat.last.turn if chat.last else None
            assert turn is not None
            assert turn.decode is not None, turn.failure
            rates.append((turn.decode.value, turn.client_decode, turn.completion_tokens))
        self._result.write_text(json.dumps({"rates": rates, "lags": self._lags}))
        self.exit()

    async def _ask(self, chat: ChatPane, text: str) -> None:
        await chat.send(text)
        await until(lambda: not chat.streaming)
        await asyncio.sleep(0.3)

    async def _feel_the_lag(self) -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(BEAT_S)
            self._lags.append(time.perf_counter() - began - BEAT_S)


if __name__ == "__main__":
    host, tokens, runs, result = sys.argv[1:]
    sys.setswitchinterval(SWITCH_S)
    gc.freeze()
    app = Streaming(host, int(tokens), int(runs), Path(result))
    app.run()
    app.monitor.stop()
    sys.exit(app.return_code or 0)

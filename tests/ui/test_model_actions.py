"""What can be done to a model: keys, menu, dialogs; a still monitor, and a real one."""

import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from dmr_tui.monitor.crashes import Crash
from dmr_tui.monitor.live import Monitor
from dmr_tui.monitor.model_rows import Installed
from dmr_tui.runner.endpoint import BadHost, Endpoint
from dmr_tui.runner.errors.explain import Explanation
from dmr_tui.simulator.models.library import NEMO
from dmr_tui.state.lost_config import LostConfig
from dmr_tui.state.plan import (
    ConfigurePlan,
    LoadPlan,
    Progress,
    Pull,
    RemovePlan,
    TagPlan,
    UnloadPlan,
    UntagPlan,
)
from dmr_tui.state.replies import RemoteModel, StoredConfigResult
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.ui.app import DashboardApp
from dmr_tui.ui.models.model_menu import ModelMenu
from dmr_tui.ui.shell.runner_choices import Choice, Choices
from tests.ui.conftest import Beside
from tests.ui.screen import hides, screen_text, shows, type_text
from tests.ui.still import MODELS, NOW, StillMonitor, request, snapshot
from tests.waiting import until

Test = Callable[[Pilot[None], StillMonitor], Awaitable[None]]
QWEN, GEMMA, SMOLLM = (model.id for model in MODELS[:3])


async def before(test: Test, shown: Snapshot | None = None, *, read_only: bool = False) -> None:
    """Run `test` in front of the dashboard, with the cursor on qwen3, which is busy."""
    picture = shown or snapshot()
    if read_only:
        picture = replace(picture, read_only=True)
    monitor = StillMonitor(picture, read_only=read_only)
    app = DashboardApp(monitor)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await shows(app, "qwen3:8B-Q4_K_M")
        await to_model(pilot, "qwen3")
        await test(pilot, monitor)


async def to_model(pilot: Pilot[None], name: str) -> None:
    """Put the cursor on that model."""
    await pilot.press("home")
    rows = 8
    while name not in pilot.app.screen.model_row.name and rows:  # type: ignore[attr-defined]
        rows -= 1
        await pilot.press("down")
    assert rows


@pytest.mark.parametrize(
    ("key", "kind", "texts"),
    [
        ("u", UnloadPlan, ["Unload qwen3:8B-Q4_K_M", "busy now"]),
        ("U", UnloadPlan, ["Unload all models", "configured for them stays"]),
        ("D", RemovePlan, ["Remove qwen3:8B-Q4_K_M", "deleted from the disk"]),
    ],
)
async def test_keys_ask_before_they_do(key: str, kind: type, texts: list[str]) -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await pilot.press(key)
        await shows(pilot.app, "This will", *texts)
        assert monitor.plans == []
        await pilot.press("y")
        await until(lambda: monitor.plans)
        assert isinstance(monitor.plans[0], kind)

    await before(test)


async def test_an_idle_model_is_loaded_as_the_runner_would() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await to_model(pilot, "smollm2")
        await pilot.press("l")
        await shows(pilot.app, "load smollm2")
        await pilot.press("y")
        await until(lambda: monitor.plans)
        assert isinstance(monitor.plans[0], LoadPlan)
        assert monitor.plans[0].digest == SMOLLM

    await before(test)


async def test_the_menu_offers_what_can_be_done() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await pilot.press("a")
        await shows(pilot.app, "Unload the model", "Tag the model", "Pull a model")
        await pilot.press("T")
        await shows(pilot.app, "Another name for it")

    await before(test)


@pytest.mark.parametrize("key", ["l", "u", "U", "o", "T", "D", "n"])
async def test_read_only_says_so_and_does_nothing(key: str) -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await pilot.press(key)
        await shows(pilot.app, "Read-only mode")
        assert "This will" not in screen_text(pilot.app)
        assert (monitor.plans, monitor.pulled, monitor.looked_up) == ([], [], [])

    await before(test, read_only=True)


async def test_a_tag_says_whom_it_is_taken_from() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await pilot.press("T")
        await type_text(pilot, "smollm2")
        await type_text(pilot, ":360M-Q8_0")
        await shows(pilot.app, "loses this name")
        pilot.app.screen.query_one(Input).value = "no name"
        await pilot.press("enter")
        await shows(pilot.app, "a name is made of")
        pilot.app.screen.query_one(Input).value = "localhost:5000/me/mine"
        await pilot.press("enter")
        await shows(pilot.app, "as well")
        await pilot.press("y")
        await until(lambda: monitor.plans)
        plan = monitor.plans[0]
        assert isinstance(plan, TagPlan)
        assert plan.target == "localhost:5000/me/mine:latest"

    await before(test)


async def test_whoever_loses_a_name_is_named_again_before_it_is_done() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await pilot.press("T")
        await shows(pilot.app, "Another name for it")
        pilot.app.screen.query_one(Input).value = "ai/smollm2:360M-Q8_0"
        await pilot.press("enter")
        await shows(pilot.app, "This will", "smollm2:360M-Q8_0 loses this name")
        await shows(pilot.app, "stays under its digest only")
        assert monitor.plans == []

    await before(test)


async def test_a_name_that_the_model_has_is_taken_from_nobody() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await pilot.press("T")
        await shows(pilot.app, "Another name for it")
        pilot.app.screen.query_one(Input).value = "ai/qwen3:8B-Q4_K_M"
        await shows(pilot.app, "it has this name already")
        await pilot.press("enter")
        await shows(pilot.app, "This will")
        assert "loses" not in screen_text(pilot.app)

    await before(test)


async def test_a_configuration_that_does_not_fit_is_said_before_it_is_done(beside: Beside) -> None:
    app, simulator = beside("idle")
    simulator.load(NEMO.name)
    async with app.run_test(size=(140, 42)) as pilot:
        await shows(app, "3 Memory", "gemma3:4B-Q4_K_M")
        await until(lambda: app.snapshot.memory and app.snapshot.memory.fits)
        await to_model(pilot, "gemma3")
        await pilot.press("o")
        await shows(app, "nothing is different yet")
        app.screen.query_one("#set-context-size", Input).value = "140000"
        await shows(app, "140,000 tokens as configured: no room", "it was trained for")
        await pilot.press("enter")
        await shows(app, "This will", "does not fit", "It was trained for 131,072 tokens")


async def test_what_speaks_against_a_configuration_is_said_before_it_is_done() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        monitor.stored[QWEN, "completion"] = StoredConfigResult({})
        await pilot.press("o")
        await shows(pilot.app, "nothing is different yet")
        field = pilot.app.screen.query_one("#set-context-size", Input)
        field.value = "99999x"
        await shows(pilot.app, "a number of tokens")
        await hides(pilot.app, "nothing is different yet")
        field.value = "50000"
        await shows(pilot.app, "not set → 50000")
        await pilot.press("enter")
        await shows(pilot.app, "It was trained for 40,960 tokens", "It is busy now")

    await before(test)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (("end", "u"), "smollm2:360M-Q8_0 is not loaded"),
        (("R",), "The runner has lost no configuration"),
        (("C",), "The demo watches"),
    ],
)
async def test_a_key_that_does_nothing_says_why(keys: tuple[str, ...], words: str) -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await pilot.press(*keys)
        await shows(pilot.app, words)
        assert monitor.plans == []

    await before(test)


async def test_a_configuration_is_read_changed_and_shown_as_a_difference() -> None:
    stored = {"context-size": 8192, "runtime-flags": ["--temp", "0"], "vllm": {"x": 1}}

    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        monitor.stored[QWEN, "completion"] = StoredConfigResult(stored)
        await pilot.press("o")
        await shows(
            pilot.app, "8192", "--temp 0", "nothing is different yet", "kept as it is: vllm"
        )
        fields = pilot.app.screen
        fields.query_one("#set-context-size", Input).value = "many"
        await shows(pilot.app, "a number of tokens")
        await pilot.press("enter")
        assert monitor.plans == []
        fields.query_one("#set-context-size", Input).value = "4k"
        fields.query_one("#set-keep_alive", Input).value = "1h30m"
        await shows(pilot.app, "context-size 8192 → 4096", "keep_alive not set → 1h30m")
        await pilot.press("enter")
        await shows(pilot.app, "Configure qwen3", "ends its engine, forgets its cached prompts")
        await pilot.press("y")
        await until(lambda: monitor.plans)
        plan = monitor.plans[0]
        assert isinstance(plan, ConfigurePlan)
        assert plan.before == stored
        assert plan.config == {**stored, "context-size": 4096, "keep_alive": "1h30m"}

    await before(test)


async def test_what_was_written_stays_when_the_runner_refuses_it() -> None:
    """Also if somebody else configured the model meanwhile: what is stored now is compared."""
    busy = Progress((), failure=Explanation("qwen3 was not configured: it is busy"), ended=True)

    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        monitor.stored[QWEN, "completion"] = StoredConfigResult({"keep_alive": "5m"})
        await pilot.press("o")
        await shows(pilot.app, "nothing is different yet")
        form = pilot.app.screen
        await pilot.press("enter")
        await shows(pilot.app, "change a field first")
        form.query_one("#set-context-size", Input).value = "4k"
        await shows(pilot.app, "context-size not set → 4096")
        monitor.stored[QWEN, "completion"] = StoredConfigResult({"keep_alive": "1h"})
        monitor.progress = (busy,)
        await pilot.press("enter", "y")
        await shows(pilot.app, "it is busy", "esc closes")
        await pilot.press("escape")
        await until(lambda: pilot.app.screen is form)
        await shows(pilot.app, "context-size not set → 4096")
        assert form.query_one("#set-context-size", Input).value == "4k"
        assert form.query_one("#set-keep_alive", Input).value == "1h"
        monitor.progress = (Progress((), ended=True),)
        await pilot.press("enter", "y")
        await hides(pilot.app, "Configure qwen3")
        await shows(pilot.app, "stored; the runner")
        assert [plan.config for plan in monitor.plans] == [  # type: ignore[union-attr]
            {"keep_alive": "5m", "context-size": 4096},
            {"keep_alive": "1h", "context-size": 4096},
        ]

    await before(test)


async def test_a_flag_that_wins_over_the_context_field_is_said() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        flags = {"context-size": 8192, "runtime-flags": ["--ctx-size", "2048"]}
        monitor.stored[QWEN, "completion"] = StoredConfigResult(flags)
        await pilot.press("o")
        await shows(pilot.app, "2,048 tokens by a flag", "the flag wins")
        pilot.app.screen.query_one("#set-runtime-flags", Input).value = ""
        await shows(pilot.app, "8,192 tokens as configured")
        assert "the flag wins" not in screen_text(pilot.app)

    await before(test)


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("context-size", "0", "more than 0"),
        ("keep_alive", "soon", "keep loaded"),
        ("runtime-flags", "'open", "no closing quotation"),
        ("runtime-flags", "temp 0", "flags begin with -"),
    ],
)
async def test_what_cannot_be_configured_is_said(field: str, text: str, said: str) -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await pilot.press("o")
        await shows(pilot.app, "nothing is different yet")
        pilot.app.screen.query_one(f"#set-{field}", Input).value = text
        await shows(pilot.app, said)

    await before(test)


async def test_what_is_stored_may_be_unreadable() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        failure = Explanation("The runner does not answer", "It is off.")
        monitor.stored[QWEN, "completion"] = StoredConfigResult(failure=failure)
        await pilot.press("o")
        await shows(pilot.app, "The runner does not answer")
        await pilot.press("ctrl+s")
        await shows(pilot.app, "The runner does not answer")

    await before(test)


async def test_a_lost_configuration_is_set_again() -> None:
    lost = LostConfig(QWEN, "completion", {"context-size": 16384}, restarted=True)

    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await pilot.press("R")
        await shows(pilot.app, "Configure again qwen3", "restarted and forgot it", "16,384")
        await pilot.press("y")
        await until(lambda: monitor.plans)
        assert monitor.plans[0].config == {"context-size": 16384}  # type: ignore[union-attr]

    await before(test, snapshot(lost=(lost,)))


async def test_what_was_lost_is_set_again_from_wherever_the_cursor_is() -> None:
    """The warning names the model and the key; nobody has to look for its row first."""
    lost = LostConfig(QWEN, "completion", {"context-size": 16384}, restarted=True)
    other = LostConfig(MODELS[2].id, "completion", {"context-size": 2048}, restarted=True)

    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await pilot.press("down", "a")
        await shows(pilot.app, "╭─ gemma3", "Set the lost configuration again")
        await pilot.press("R")
        await pilot.pause()
        assert isinstance(pilot.app.screen, ModelMenu), "the menu is about another model"
        await pilot.press("escape", "R")
        await shows(pilot.app, "Configure again qwen3", "16,384")
        await pilot.press("escape", "end", "R")
        await shows(pilot.app, "Configure again smollm2", "2,048")

    await before(test, snapshot(lost=(lost, other)))


async def test_a_model_is_looked_up_before_it_is_pulled() -> None:
    (row,) = Installed([MODELS[0]]).rows()

    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        monitor.offers["ai/new"] = RemoteModel("ai/new", row)
        await pilot.press("n")
        await shows(pilot.app, "nothing is being pulled")
        await type_text(pilot, "ai/nope")
        await pilot.press("enter")
        await shows(pilot.app, "No registry has ai/nope")
        pilot.app.screen.query_one(Input).value = "ai/new"
        await pilot.press("enter")
        await shows(pilot.app, "Q4_K_M", "enter pulls it")
        assert monitor.pulled == []
        await pilot.press("enter")
        await until(lambda: monitor.pulled == ["ai/new"])
        await pilot.pause()
        assert "is being pulled already" not in screen_text(pilot.app)

    await before(test)


async def test_a_second_pull_of_the_same_says_so() -> None:
    (row,) = Installed([MODELS[0]]).rows()

    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        monitor.offers["docker.io/ai/new:latest"] = RemoteModel("docker.io/ai/new:latest", row)
        await pilot.press("n")
        await shows(pilot.app, "Name of a model")
        pilot.app.screen.query_one(Input).value = "docker.io/ai/new:latest"
        await pilot.press("enter")
        await shows(pilot.app, "enter pulls it")
        await pilot.press("enter")
        await shows(pilot.app, "is being pulled already")

    going = Pull("ai/new", "pulling", 2_000_000_000, 4_000_000_000)
    await before(test, snapshot(pulls=(going,)))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"installed": True, "holder": "itself"}, "installed already; nothing is to be pulled"),
        ({"installed": True, "holder": "none"}, "installed already; a pull only adds the name"),
        ({"holder": "another"}, "Another model has this name now; it stays, without it."),
    ],
)
async def test_whoever_has_the_name_already_is_told(more: dict[str, Any], words: str) -> None:
    (row,) = Installed([MODELS[0]]).rows()

    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        monitor.offers["ai/x"] = RemoteModel("ai/x", row, **more)
        await pilot.press("n")
        await shows(pilot.app, "nothing is being pulled")
        pilot.app.screen.query_one(Input).value = "ai/x"
        await pilot.press("enter")
        await shows(pilot.app, words)

    await before(test)


async def test_an_answer_for_another_name_is_not_shown() -> None:
    (row,) = Installed([MODELS[0]]).rows()
    late: list[Callable[[RemoteModel], None]] = []

    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        monitor.look_up = lambda name, publish: late.append(publish)  # type: ignore[method-assign]
        await pilot.press("n")
        await shows(pilot.app, "nothing is being pulled")
        for name in ("ai/first", "ai/second"):
            pilot.app.screen.query_one(Input).value = name
            await pilot.press("enter")
            await shows(pilot.app, f"asking for {name}")
        late[0](RemoteModel("ai/first", row))
        late[1](RemoteModel("ai/second", failure=Explanation("No registry has it")))
        await shows(pilot.app, "No registry has it")
        late[0](RemoteModel("ai/first", row))
        await pilot.pause()
        assert "enter pulls it" not in screen_text(pilot.app)

    await before(test)


async def test_downloads_are_shown_stopped_and_tried_again() -> None:
    going = Pull("ai/a", "pulling", 2_000_000_000, 4_000_000_000, rate=50_000_000.0)
    over = Pull("ai/[red]b", "failed", failure=Explanation("The disk is full"))

    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await shows(pilot.app, "pulling ai/a 50 % 0:40 left")
        await pilot.press("n")
        await shows(pilot.app, "ai/a", "50 %", "50.0 MB/s", "0:40 left", "ai/[red]b", "failed")
        await pilot.press("ctrl+x")
        assert monitor.stopped_pulls == ["ai/a"]
        await pilot.press("tab", "down", "ctrl+r")
        assert monitor.pulled == ["ai/[red]b"]
        await pilot.press("ctrl+l")
        assert monitor.tidied == 1
        await pilot.press("escape")
        await hides(pilot.app, "Name of a model")

    await before(test, snapshot(pulls=(going, over)))


async def test_stop_and_go_on_mean_the_one_that_can() -> None:
    over = Pull("ai/a", "done", 4, 4)
    going = Pull("ai/b", "pulling", 2_000_000_000, 4_000_000_000)

    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await pilot.press("n")
        await shows(pilot.app, "ai/b")
        await pilot.press("ctrl+r")
        await shows(pilot.app, "No download was stopped")
        assert monitor.pulled == []
        await pilot.press("ctrl+x")
        assert monitor.stopped_pulls == ["ai/b"], "the cursor is on the one that is done"

    await before(test, snapshot(pulls=(over, going)))

    async def on_the_first(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await pilot.press("n")
        await shows(pilot.app, "ai/a")
        await pilot.press("ctrl+x")
        assert monitor.stopped_pulls == ["ai/a"], "the cursor is on it"

    first = replace(going, name="ai/a")
    await before(on_the_first, snapshot(pulls=(first, going)))


async def test_what_was_there_has_no_bar() -> None:
    there = Pull("ai/a", "done", 0, 0, message="Using cached model: 1.22GiB")

    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await pilot.press("n")
        await shows(pilot.app, "was there", "^r goes on")
        assert "░░░" not in pilot.app.screen.query_one("#pull-table").render_line(1).text

    await before(test, snapshot(pulls=(there,)))


async def test_a_model_is_pulled_from_a_simulated_registry(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=(140, 40)) as pilot:
        await shows(app, "qwen3:8B-Q4_K_M")
        await pilot.press("n")
        await shows(app, "Name of a model")
        app.screen.query_one(Input).value = "ai/qwen3:0.6B-Q4_K_M"
        await pilot.press("enter")
        await shows(app, "enter pulls it")
        await pilot.press("enter")
        await shows(app, "done")
        await pilot.press("escape")
        await shows(app, "qwen3:0.6B-Q4_K_M")


class Others:
    """Two more runners, one of them at an address that is none."""

    def __init__(self, monitor: StillMonitor) -> None:
        self.watched: list[str] = []
        self._monitor = monitor

    def choices(self) -> Choices:
        here = Choice("default", "wherever it is found")
        lab = Choice("lab", "gpu-box:12434", "TLS, not checked")
        return Choices((here, lab, Choice("bad", "ftp://x")), "default", ("a broken file",))

    def watch(self, name: str) -> Monitor:
        if name == "bad":
            raise BadHost("context bad: 'ftp' is not a scheme")
        self.watched.append(name)
        return self._monitor


async def test_another_runner_is_watched() -> None:
    there = snapshot()
    endpoint = Endpoint("https://gpu-box:12434", "context lab", verify=False)
    there = replace(there, runner=replace(there.runner, endpoint=endpoint))
    others = Others(StillMonitor(there))
    app = DashboardApp(StillMonitor(snapshot()), contexts=others)
    async with app.run_test(size=(140, 40), notifications=True) as pilot:
        await shows(app, "qwen3:8B-Q4_K_M", "localhost:12434")
        await pilot.press("C")
        await shows(app, "* default", "lab", "gpu-box:12434", "a broken file")
        await pilot.press("down", "down", "enter")
        await shows(app, "is not a scheme")
        await pilot.press("C")
        await shows(app, "Watch another runner")
        await pilot.press("down", "enter")
        await shows(app, "https://gpu-box:12434", "certificate not checked")
        assert others.watched == ["lab"]


class Silent(StillMonitor):
    """A monitor that has nothing to say yet."""

    def start(
        self, publish: Callable[[Snapshot], None], failed: Callable[[BaseException], None]
    ) -> None:
        return None


async def test_nothing_of_the_runner_before_is_shown_for_the_next() -> None:
    app = DashboardApp(StillMonitor(snapshot()), contexts=Others(Silent(snapshot())))
    async with app.run_test(size=(140, 40)) as pilot:
        await shows(app, "qwen3:8B-Q4_K_M", "localhost:12434")
        await pilot.press("C")
        await shows(app, "Watch another runner")
        await pilot.press("down", "enter")
        await shows(app, "looking for the runner", "no runner yet")
        assert "gemma3" not in screen_text(app)


class Failing(StillMonitor):
    """A monitor that fails when told."""

    def start(self, publish: Callable[[Snapshot], None], crashed: Callable[[Crash], None]) -> None:
        super().start(publish, crashed)
        self.crashed = crashed


async def test_an_error_of_a_monitor_that_was_replaced_is_no_news() -> None:
    there = snapshot()
    endpoint = Endpoint("https://gpu-box:12434", "context lab")
    there = replace(there, runner=replace(there.runner, endpoint=endpoint))
    before = Failing(snapshot())
    app = DashboardApp(before, contexts=Others(StillMonitor(there)))
    async with app.run_test(size=(140, 40)) as pilot:
        await shows(app, "qwen3:8B-Q4_K_M", "localhost:12434")
        await pilot.press("C")
        await shows(app, "Watch another runner")
        await pilot.press("down", "enter")
        await shows(app, "https://gpu-box:12434")
        before.crashed(Crash("the timeline", "ValueError", "a1b2c3"))
        await pilot.pause()
        await pilot.press("2")
        await shows(app, "Finished", "https://gpu-box:12434")
    assert app.return_code is None, "it was not ended"


class Slow(StillMonitor):
    """A monitor that takes a while to stop."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(snapshot)
        self.stopping, self.may_stop = threading.Event(), threading.Event()

    def stop(self) -> None:
        self.stopping.set()
        assert self.may_stop.wait(20)


async def test_the_next_runner_is_shown_while_the_monitor_before_still_stops() -> None:
    there = snapshot()
    endpoint = Endpoint("https://gpu-box:12434", "context lab")
    there = replace(there, runner=replace(there.runner, endpoint=endpoint))
    before = Slow(snapshot())
    app = DashboardApp(before, contexts=Others(StillMonitor(there)))
    async with app.run_test(size=(140, 40)) as pilot:
        try:
            await shows(app, "qwen3:8B-Q4_K_M", "localhost:12434")
            await pilot.press("C")
            await shows(app, "Watch another runner")
            await pilot.press("down", "enter")
            await shows(app, "https://gpu-box:12434")
            assert before.stopping.wait(20)
        finally:
            before.may_stop.set()


def with_names(*names: str) -> Snapshot:
    """qwen3 under several names, loaded and busy as before."""
    picture = snapshot()
    tagged = [
        msgspec.structs.replace(model, tags=list(names)) if model.id == QWEN else model
        for model in MODELS
    ]
    rows = {row.key: row for row in Installed(tagged).rows()}
    runs = {row.key: row.runs for row in picture.models}
    models = (msgspec.structs.replace(rows[key], runs=own) for key, own in runs.items())
    return replace(picture, models=tuple(models))


NAMES = ("docker.io/ai/qwen3:8B-Q4_K_M", "docker.io/ai/mine:latest")


async def test_a_further_name_is_no_other_model() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await pilot.resize_terminal(160, 40)
        await shows(pilot.app, "qwen3:8B-Q4_K_M +1")

    await before(test, with_names(*NAMES))


@pytest.mark.parametrize(("down", "gone", "stays"), [(0, 0, "mine"), (1, 1, "qwen3:8B-Q4_K_M")])
async def test_one_of_several_names_is_taken_away(down: int, gone: int, stays: str) -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await pilot.press("D")
        await shows(pilot.app, "only the name mine", "with all 2 names, 4.68 GiB on disk")
        await pilot.press(*["down"] * down, "enter")
        await shows(pilot.app, "This will", f"The model stays, as {stays}.")
        assert "busy now" not in screen_text(pilot.app)
        await pilot.press("y")
        await until(lambda: monitor.plans)
        (plan,) = monitor.plans
        assert isinstance(plan, UntagPlan)
        assert (plan.ref, plan.digest) == (NAMES[gone].removeprefix("docker.io/"), QWEN)

    await before(test, with_names(*NAMES))


async def test_or_the_whole_model_goes() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await pilot.press("D")
        await shows(pilot.app, "only the name mine")
        await pilot.press("down", "down", "enter")
        await shows(pilot.app, "This will", "All its names go: qwen3:8B-Q4_K_M, mine.")
        await pilot.press("escape", "D")
        await shows(pilot.app, "only the name mine")
        await pilot.press("escape")
        await hides(pilot.app, "only the name mine")
        assert monitor.plans == []

    await before(test, with_names(*NAMES))


def called_by(*callers: str, ago: float = 60.0) -> Snapshot:
    """qwen3 was called by these."""
    calls = tuple(
        request(id=f"{QWEN}_{number}", digest=QWEN, caller=caller, finished_at=NOW - ago)
        for number, caller in enumerate(callers)
    )
    return snapshot(finished=calls, in_flight=(), caller_names={"LangChain JS": "orders"})


@pytest.mark.parametrize("key", ["u", "U", "D"])
async def test_who_uses_a_model_is_said_before_it_goes(key: str) -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await pilot.press(key)
        await shows(pilot.app, "This will", "n8n, orders and sh[x] used qwen3:8B-Q4_K_M in the")

    await before(test, called_by("n8n", "sh[x]", "LangChain JS", "n8n"))


async def test_who_used_it_long_ago_is_not_said() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await pilot.press("u")
        await shows(pilot.app, "This will")
        assert " used qwen3" not in screen_text(pilot.app)

    await before(test, called_by("n8n", ago=700.0))


async def test_a_loaded_model_is_not_loaded_again() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        assert pilot.app.screen.check_action("load_model", ()) is None, "dimmed"
        await pilot.press("l")
        await shows(pilot.app, "qwen3:8B-Q4_K_M is loaded; o configures it")
        assert "This will" not in screen_text(pilot.app)

    await before(test)


async def test_the_menu_says_why_it_can_do_nothing() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await pilot.press("a")
        await shows(pilot.app, "Unload the model", "Read-only mode: nothing is sent")
        await pilot.press("u")
        await until(lambda: screen_text(pilot.app).count("Read-only mode") == 2)
        assert isinstance(pilot.app.screen, ModelMenu)
        assert monitor.plans == []

    await before(test, read_only=True)


async def test_a_new_name_is_told_as_what_it_is() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        monitor.progress = (Progress((), ended=True),)
        await pilot.press("T")
        await shows(pilot.app, "Another name for it")
        pilot.app.screen.query_one(Input).value = "ai/mine:v1"
        await pilot.press("enter", "y")
        await shows(pilot.app, "qwen3:8B-Q4_K_M is called ai/mine:v1 as well")

    await before(test)


async def test_a_context_that_is_too_short_for_any_prompt_is_said() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await pilot.press("o")
        await shows(pilot.app, "nothing is different yet")
        pilot.app.screen.query_one("#set-context-size", Input).value = "10"
        await pilot.press("enter")
        await shows(pilot.app, "Prompt and answer share 10 tokens: most calls will fail.")

    await before(test)


async def test_which_models_a_full_runner_evicts_is_said() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await to_model(pilot, "gemma3")
        await pilot.press("l")
        await shows(pilot.app, "it evicts all idle models for it:", "nomic-embed-text-v1.5:F16.")

    full = replace(snapshot().runner, slots_used=2, slots_total=2)
    await before(test, snapshot(runner=full))


async def test_switching_the_runner_would_end_a_download_and_asks() -> None:
    others = Others(StillMonitor(snapshot()))
    going = Pull("ai/big", "pulling", 2_000_000_000, 4_000_000_000)
    app = DashboardApp(StillMonitor(snapshot(pulls=(going,))), contexts=others)
    async with app.run_test(size=(140, 40)) as pilot:
        await shows(app, "qwen3:8B-Q4_K_M")
        for answer, watched in (("escape", []), ("y", ["lab"])):
            await pilot.press("C")
            await shows(app, "* default")
            await pilot.press("down", "enter")
            await shows(app, "ai/big  50 %", "y does it, esc stays", "Switch")
            await pilot.press(answer)
            await until(lambda watched=watched: others.watched == watched)  # type: ignore[misc]
            await hides(app, "ai/big  50 %")

"""Keys that a person chose: they work, are shown everywhere, and mistakes are named."""

from collections.abc import Mapping

import pytest

from dmr_tui.settings.errors import BadSettings
from dmr_tui.settings.schema import Settings
from dmr_tui.ui.app import DashboardApp
from dmr_tui.ui.chat.prompt import PromptArea
from dmr_tui.ui.commands.keymap import key_words, keymap, keys_of
from dmr_tui.ui.commands.table import COMMANDS
from tests.ui.screen import hides, screen_text, shows, type_text
from tests.ui.still import StillMonitor, snapshot
from tests.waiting import until

WIDE = (150, 42)


def chosen(**keys: str) -> Settings:
    """Settings with these keys; __ stands for the dot."""
    return of({name.replace("__", "."): each for name, each in keys.items()})


def of(keys: Mapping[str, str]) -> Settings:
    return Settings(keys=keys, origins={f"keys.{name}": "file, line 7" for name in keys})


def app_with(**keys: str) -> DashboardApp:
    return DashboardApp(StillMonitor(snapshot()), keymap=keymap(chosen(**keys)))


def test_every_action_has_an_id_of_its_own() -> None:
    ids = [act.id for act in COMMANDS]
    assert len(set(ids)) == len(ids)
    assert all(part.replace("_", "").isalnum() for each in ids for part in each.split("."))
    assert {"models.sort_models", "memory.context_by_minus_1024", "requests.only_group"} < set(ids)


def test_the_usual_keys_can_be_written_down() -> None:
    usual = {act.id: act.keys for act in COMMANDS}
    assert keymap(of(usual)) == usual


def test_without_a_choice_there_is_nothing_to_change() -> None:
    assert keymap(Settings()) == {}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("S", "S"),
        (":", "colon"),
        ("f7,Ctrl+T", "f7,ctrl+t"),
        ("shift+alt+F2", "alt+shift+f2"),
        ("+", "plus"),
        ("ctrl++", "ctrl+plus"),
        ("del", "delete"),
        ("é", "é"),
    ],
)
def test_how_a_key_may_be_written(written: str, meant: str) -> None:
    assert keymap(chosen(timeline__event_level=written))["timeline.event_level"] == meant


def test_two_actions_may_change_places() -> None:
    found = keymap(chosen(models__sort_models="c", models__focus_chat="s"))
    assert found == {"models.sort_models": "c", "models.focus_chat": "s"}


@pytest.mark.parametrize(
    ("name", "keys", "message"),
    [
        ("models.sort_model", "S", "no action is called .*did you mean models.sort_models"),
        ("zzz", "S", "no action is called 'zzz'; dmr-tui config --keys lists"),
        ("models.sort_models", "f55", "no key is called 'f55'; did you mean f5"),
        ("models.sort_models", "hyp+x", "modifiers are ctrl, alt"),
        ("models.sort_models", "shift+s", "S, not shift.s"),
        ("models.sort_models", " ", "write space"),
        ("models.sort_models", "c", "c is the key of models.focus_chat already: Write a prompt"),
        ("models.sort_models", "f7,x", "x is the key of everywhere.dismiss_warning already"),
        ("everywhere.help", "o", "o is the key of models.configure_model already"),
        ("everywhere.help", "ctrl+t", "ctrl.t is the key of chat.presets already"),
        ("models.sort_models", "j", "j is not free: it moves in lists"),
        ("everywhere.quit", "G", "G is not free: it moves in lists"),
        ("request.replay", "i", "closes the call"),
        ("models.sort_models", "ctrl+p", "the list of commands"),
        ("models.sort_models", "tab", "the next pane"),
        ("models.sort_models", "ctrl+i", "a terminal sends tab"),
        ("chat.presets", "t", "t writes the prompt"),
        ("chat.presets", "?", r"\? writes the prompt"),
        ("chat.stop_answer", "backspace", "backspace writes the prompt"),
        ("chat.copy_answer", "enter", "enter writes the prompt"),
    ],
)
def test_a_mistake_is_named_with_its_place(name: str, keys: str, message: str) -> None:
    with pytest.raises(BadSettings, match=f"^file, line 7: .*{message}"):
        keymap(of({name: keys}))


def test_enter_can_begin_a_new_line_once_another_key_sends() -> None:
    found = keymap(chosen(chat__send_prompt="ctrl+s", chat__new_line="enter"))
    assert (found["chat.send_prompt"], found["chat.new_line"]) == ("ctrl+s", "enter")
    with pytest.raises(BadSettings, match=r"enter is the key of chat\.send_prompt already"):
        keymap(chosen(chat__new_line="enter"))


def test_a_key_that_others_share_stays_theirs() -> None:
    found = keymap(chosen(chat__stop_answer="f8"))
    assert found == {"chat.stop_answer": "f8", "chat.focus_models": "escape"}


def test_the_words_for_keys() -> None:
    (helped,) = [act for act in COMMANDS if act.id == "everywhere.help"]
    assert key_words(helped, {}) == "? f1"
    assert keys_of(helped, {helped.id: "escape,ctrl+slash"}) == ("escape", "ctrl+slash")
    assert key_words(helped, {helped.id: "escape,ctrl+slash"}) == "esc ctrl+/"


async def test_the_chosen_key_works_and_the_usual_one_does_not() -> None:
    app = app_with(everywhere__help="H,f9")
    async with app.run_test(size=WIDE) as pilot:
        await shows(app, "qwen3:8B")
        await pilot.press("question_mark", "f1")
        assert "Everywhere" not in screen_text(app)
        await pilot.press("f9")
        await shows(app, "Everywhere")
        await pilot.press("escape")
        await hides(app, "Everywhere")
        await pilot.press("H")
        await shows(app, "Everywhere")


async def test_footer_help_and_palette_show_the_key_that_works_now() -> None:
    app = app_with(models__sort_models="Z", models__focus_chat="f6")
    async with app.run_test(size=WIDE) as pilot:
        await shows(app, "Z Sort", "f6 Prompt")
        assert "s Sort" not in screen_text(app)
        await pilot.press("question_mark")
        await shows(app, "Z                  Sort by the next column", "f6                 Write")
        await pilot.press("escape")
        await pilot.press("ctrl+p")
        await type_text(pilot, "sort the models")
        await shows(app, "Z  Sort by the next column")


async def test_escape_still_leaves_the_chat_when_stopping_has_another_key() -> None:
    app = app_with(chat__stop_answer="f8")
    async with app.run_test(size=WIDE) as pilot:
        await shows(app, "qwen3:8B")
        await pilot.press("c")
        await until(lambda: isinstance(app.focused, PromptArea))
        await pilot.press("escape")
        await until(lambda: not isinstance(app.focused, PromptArea))


async def test_a_prompt_can_still_be_written() -> None:
    app = app_with(everywhere__quit="Q", everywhere__help="h")
    async with app.run_test(size=WIDE) as pilot:
        await shows(app, "qwen3:8B")
        await pilot.press("c")
        await type_text(pilot, "Qh")
        prompt = app.screen.query_one(PromptArea)
        await until(lambda: prompt.text == "Qh")

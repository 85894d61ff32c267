"""The README is held to what it is about: commands, keys, settings, scenarios."""

import re
from pathlib import Path

import pytest

from dmr_tui.settings import SETTABLE, THEMES, flag_of, load
from dmr_tui.settings.schema import VARIABLES
from dmr_tui.simulator.scenarios import PLAYS
from dmr_tui.ui.commands.keymap import keymap
from dmr_tui.ui.commands.table import COMMANDS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
KEYS = {
    "question_mark": "?",
    "slash": "/",
    "escape": "esc",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "greater_than_sign": ">",
    "less_than_sign": "<",
}


def test_ci_runs_the_command_of_the_readme() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    (command,) = [block.strip() for block in blocks if "pytest" in block]
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("act", COMMANDS, ids=lambda act: act.action)
def test_every_key_is_there(act) -> None:  # type: ignore[no-untyped-def]
    for key in act.keys.split(","):
        assert f"`{KEYS.get(key, key)}`" in README


@pytest.mark.parametrize(
    "name", [*PLAYS, *THEMES, *(flag_of(n) for n in SETTABLE), *VARIABLES.values()]
)
def test_every_choice_is_there(name: str) -> None:
    assert f"`{name}" in README


def test_its_settings_file_can_be_used(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    path = tmp_path / "config.toml"
    path.write_text(block, encoding="utf-8")
    assert len(keymap(load({}, {}, path))) == 3


def test_its_pictures_are_there() -> None:
    pictures = re.findall(r"\]\((screenshots/[^)]+)\)", README)
    assert pictures
    assert all((ROOT / picture).is_file() for picture in pictures)

"""The README and the pages in docs/ are held to what they are about: commands, keys, settings."""

import re
from pathlib import Path

import pytest

from dmr_tui.settings.load import load
from dmr_tui.settings.schema import SETTABLE, THEMES, VARIABLES, flag_of
from dmr_tui.simulator.scenarios.scenarios import SCENARIOS
from dmr_tui.ui.commands.keymap import keymap
from dmr_tui.ui.commands.table import COMMANDS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = ROOT / "dmr_tui" / "docs"
PAGES = (ROOT / "README.md", *sorted(DOCS.glob("*.md")))
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
    "name", [*SCENARIOS, *THEMES, *(flag_of(n) for n in SETTABLE), *VARIABLES.values()]
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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text(encoding="utf-8")):
        name, _, title = link.partition("#")
        target = page.parent / name if name else page
        assert target.is_file(), link
        assert not title or title in anchors(target), link


def anchors(page: Path) -> set[str]:
    """What links to the headings of a page end with, as GitHub builds them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_readme_leads_to_the_pages_for_contributors() -> None:
    for page in ("contributing.md", "changelog.md"):
        assert f"](dmr_tui/docs/{page})" in README


def test_recipes_of_just_exist() -> None:
    page = (DOCS / "contributing.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)just ([a-z]+)", page, re.MULTILINE))
    recipes = re.findall(r"^(\w+)(?: .*)?:", (ROOT / "justfile").read_text(), re.MULTILINE)
    assert named
    assert named <= set(recipes)


def test_each_term_is_explained_once() -> None:
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?!\*\*|term |---)(.+?) \| (.+) \| .*\|$", page, re.MULTILINE)
    terms = [term for term, _ in rows]
    assert len(terms) > 40
    assert sorted(set(terms)) == sorted(terms)

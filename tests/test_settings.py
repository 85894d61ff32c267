"""Flags before environment before file before default; a mistake is named with its place."""

import sys
from pathlib import Path

import pytest

from dmr_tui.settings import BadSettings, Settings, data_path, load


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


def test_defaults(tmp_path: Path) -> None:
    assert load({}, {"XDG_CONFIG_HOME": str(tmp_path)}) == Settings()


def test_the_order(tmp_path: Path) -> None:
    path = write(tmp_path, 'host = "a:1"\ninterval = 5\ntheme = "dmr-light"\nread_only = true\n')
    file_only = load({}, {}, path)
    assert file_only == Settings("a:1", 5.0, True, "dmr-light", host_rule=str(path))
    env = {"MODEL_RUNNER_HOST": "b:2", "DMR_TUI_INTERVAL": "2.5"}
    both = load({}, env, path)
    assert (both.host, both.interval, both.host_rule) == ("b:2", 2.5, "MODEL_RUNNER_HOST")
    all_three = load({"host": "c:3", "interval": None, "read_only": False}, env, path)
    assert (all_three.host, all_three.host_rule) == ("c:3", "--host")
    assert (all_three.interval, all_three.read_only) == (2.5, False)


def test_the_archive(tmp_path: Path) -> None:
    text = "archive = false\narchive_days = 7\narchive_mb = 1\narchive_bodies = true\n"
    off = load({}, {}, write(tmp_path, text))
    assert (off.archive, off.archive_days, off.archive_mb, off.archive_bodies) == (
        False,
        7.0,
        1.0,
        True,
    )
    env = {"DMR_TUI_ARCHIVE": "yes", "DMR_TUI_ARCHIVE_DAYS": "0.5", "DMR_TUI_ARCHIVE_BODIES": "0"}
    on = load({"archive_mb": 2.5}, env, write(tmp_path, text))
    assert (on.archive, on.archive_days, on.archive_mb, on.archive_bodies) == (
        True,
        0.5,
        2.5,
        False,
    )


def test_where_the_archive_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    usual = data_path({})
    assert usual.name == "requests.db"
    assert usual.parent.name == "dmr-tui"
    if sys.platform == "linux":
        assert usual == tmp_path / "dmr-tui" / "requests.db"
    assert data_path({"DMR_TUI_ARCHIVE_FILE": "/srv/x.db"}) == Path("/srv/x.db")
    assert data_path({"DMR_TUI_ARCHIVE": "true"}) == usual, "that is the switch"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("interval = 1\nspeed = 3\n", r"line 2: no setting is called 'speed'; there are host, "),
        ("\n\ninterval = 'fast'\n", r"line 3: interval = 'fast': a number of seconds"),
        ("interval = 0.01\n", r"line 1: interval = '0.01': a number .* disturb"),
        ("interval = true\n", r"interval = 'True': a number"),
        ("theme = 'pink'\n", r"theme = 'pink': one of dmr-dark, dmr-light"),
        ("read_only = 'perhaps'\n", r"read_only = 'perhaps': true or false"),
        ("host = 12434\n", r"host = '12434': an address in quotes"),
        ("archive = 'file.db'\n", r"archive = 'file.db': true or false"),
        ("archive_days = 0\n", r"archive_days = '0': a number of days from 0.01"),
        ("archive_days = nan\n", r"archive_days = 'nan': a number of days"),
        ("archive_mb = 0.5\n", r"archive_mb = '0.5': a number of megabytes, 1 or more"),
        ("archive_mb = true\n", r"archive_mb = 'True': a number of megabytes"),
        ("archive_bodies = 'some'\n", r"archive_bodies = 'some': true or false"),
        ("interval = \n", r"config.toml: .*line 1"),
        ("[interval]\nx=1\n", r"line 1: interval"),
    ],
)
def test_a_mistake_in_the_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        load({}, {}, write(tmp_path, text))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadSettings, match="cannot be read"):
        load({}, {}, path)
    with pytest.raises(BadSettings, match="no such file"):
        load({}, {"DMR_TUI_CONFIG": str(tmp_path / "none.toml")})


def test_a_mistake_in_a_variable_names_it() -> None:
    with pytest.raises(BadSettings, match="DMR_TUI_INTERVAL: interval = 'never'"):
        load({}, {"DMR_TUI_INTERVAL": "never"})


def test_control_characters_in_the_file_are_only_shown(tmp_path: Path) -> None:
    with pytest.raises(BadSettings) as caught:
        load({}, {}, write(tmp_path, '"\\u001b[2J" = 1\n'))
    assert "\x1b" not in str(caught.value)

"""Flags before environment before file before default; a mistake is named with its place."""

from pathlib import Path

import pytest

from dmr_tui.settings import BadSettings, Settings, load


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


def test_defaults(tmp_path: Path) -> None:
    assert load({}, {"XDG_CONFIG_HOME": str(tmp_path)}) == Settings()


def test_the_order(tmp_path: Path) -> None:
    path = write(tmp_path, 'host = "a:1"\ninterval = 5\ntheme = "dmr-light"\nread_only = true\n')
    file_only = load({}, {}, path)
    assert file_only == Settings("a:1", 5.0, True, "dmr-light", str(path))
    env = {"MODEL_RUNNER_HOST": "b:2", "DMR_TUI_INTERVAL": "2.5"}
    both = load({}, env, path)
    assert (both.host, both.interval, both.host_rule) == ("b:2", 2.5, "MODEL_RUNNER_HOST")
    all_three = load({"host": "c:3", "interval": None, "read_only": False}, env, path)
    assert (all_three.host, all_three.host_rule) == ("c:3", "--host")
    assert (all_three.interval, all_three.read_only) == (2.5, False)


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

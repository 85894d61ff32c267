"""Flags before environment before file before default; a mistake is named with its place."""

import codecs
import os
import re
import sys
import tomllib
from pathlib import Path

import pytest

from dmr_tui.measure import thresholds
from dmr_tui.settings.errors import BadSettings
from dmr_tui.settings.example import example, sentences
from dmr_tui.settings.load import data_path, load
from dmr_tui.settings.schema import SETTABLE, VARIABLES, Settings, flag_of
from dmr_tui.text import format


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_mark_that_editors_put_before_the_text(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes('interval = 5\n[keys]\n"app.quit" = "Q"\n'.encode(encoding))
    found = load({}, {}, path)
    assert (found.interval, found.origins["interval"]) == (5.0, f"{path}, line 1")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_refused_with_what_to_do(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "config.toml"
    mark = b"" if encoding == "utf-16" else codecs.BOM_UTF16_LE if "le" in encoding else b"\xfe\xff"
    path.write_bytes(mark + 'host = "ü"\n'.encode(encoding))
    with pytest.raises(BadSettings, match="is UTF-16, as PowerShell writes it; save it as UTF-8"):
        load({}, {}, path)


@pytest.mark.timeout(10)
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name are of Unix")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "c.toml")
    with pytest.raises(BadSettings, match="is no file"):
        load({}, {}, tmp_path / "c.toml")


def test_defaults(tmp_path: Path) -> None:
    assert load({}, {"XDG_CONFIG_HOME": str(tmp_path)}) == Settings()


def test_the_order(tmp_path: Path) -> None:
    path = write(tmp_path, 'host = "a:1"\ninterval = 5\ntheme = "dmr-light"\nread_only = true\n')
    file_only = load({}, {}, path)
    assert file_only == Settings(
        host="a:1", interval=5.0, read_only=True, theme="dmr-light", host_rule=str(path)
    )
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
    usual = data_path(load({}, {}))
    assert usual.name == "requests.db"
    assert usual.parent.name == "dmr-tui"
    if sys.platform == "linux":
        assert usual == tmp_path / "dmr-tui" / "requests.db"
    assert data_path(load({}, {"DMR_TUI_ARCHIVE_FILE": "/srv/x.db"})) == Path("/srv/x.db")
    assert data_path(load({}, {"DMR_TUI_ARCHIVE": "true"})) == usual, "that is the switch"
    assert data_path(load({"archive_file": "~/x.db"}, {})) == Path.home() / "x.db"


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
        (f"interval = {'9' * 400}\n", r"line 1: interval = '9+': a number of seconds"),
        (f"interval = {'9' * 5000}\n", r"\.toml: .*digits"),
        (f"[thresholds]\nslow = {'9' * 400}\n", r"slow = '9+': a number from 0 to"),
        ("archive_mb = true\n", r"archive_mb = 'True': a number of megabytes"),
        ("archive_bodies = 'some'\n", r"archive_bodies = 'some': true or false"),
        ("intervall = 1\n", r"no setting is called 'intervall'; did you mean interval"),
        ("tls = 1\n", r"line 1: tls = '1': true or false"),
        ("context = 1\n", r"context = '1': the name of a context in quotes"),
        ("tls_ca_cert = true\n", r"tls_ca_cert = 'True': the path of a file in quotes"),
        ("memory_unit = 'GIB'\n", r"memory_unit = 'GIB': one of GiB, GB"),
        ("temperature_unit = 'K'\n", r"temperature_unit = 'K': one of C, F"),
        ("keys = 's'\n", r"line 1: keys is a table: \[keys\]"),
        ("\n[keys]\n\n'models.sort_models' = 1\n", r"line 4: models.sort_models = '1': keys in"),
        ("[keys]\nmodels.sort_models = ' '\n", r"line 2: models.sort_models = ' ': keys in quotes"),
        ("[thresholds]\ncpus = 1\n", r"line 2: cpus = '1': no threshold .*did you mean cpu"),
        ("[thresholds]\nx = 1\n", r"x = '1': no threshold is called so; there are gpu, "),
        ("[thresholds]\ncpu = 90\n", r"cpu = '90': two ascending numbers from 0 to 1,000"),
        ("[thresholds]\ncpu = [90, 80]\n", r"line 2: cpu = '\[90, 80\]': two ascending"),
        ("[thresholds]\nslow = true\n", r"slow = 'True': a number from 0 to 1,000"),
        ("[thresholds]\nslow = nan\n", r"slow = 'nan': a number from 0"),
        ("[thresholds]\npressure_ram = [1, 2]\n", r"pressure_ram = .*: three ascending numbers"),
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


@pytest.mark.parametrize(
    ("text", "meant"), [("true", True), ("1", False), ("TRUE", False), ("", False), (None, None)]
)
@pytest.mark.parametrize("name", ["tls", "tls_skip_verify"])
def test_the_word_that_docker_model_takes_for_yes(
    name: str, text: str | None, meant: bool | None
) -> None:
    env = {} if text is None else {f"MODEL_RUNNER_{name.upper()}": text}
    assert getattr(load({}, env), name) is meant
    assert getattr(load({name: True}, env), name) is True


def test_host_or_context_whichever_is_said_more_strongly(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="--host and --context: one of them"):
        load({"host": "a", "context": "b"})
    found = load({"context": "lab"}, {"MODEL_RUNNER_HOST": "a:1"})
    assert (found.host, found.context, found.host_rule) == (None, "lab", "")
    found = load({}, {"MODEL_RUNNER_HOST": "a:1"}, write(tmp_path, 'context = "lab"\n'))
    assert (found.host, found.context, found.host_rule) == ("a:1", None, "MODEL_RUNNER_HOST")
    assert "context" not in found.origins
    found = load({"host": "c:3"}, {"DMR_TUI_CONTEXT": "lab"})
    assert (found.host, found.context, found.host_rule) == ("c:3", None, "--host")


def test_where_each_setting_comes_from(tmp_path: Path) -> None:
    text = """# interval = 1

interval = 2
theme = "dmr-light"  # host = x
keys."models.sort_models" = "S"

[thresholds]
cpu = [1, 2]
"slow" = 60

[keys.chat]
presets = "f7"
"""
    path = write(tmp_path, text)
    found = load({"theme": "ansi-dark"}, {"DMR_TUI_ARCHIVE_MB": "7"}, path)
    assert found.origins == {
        "interval": f"{path}, line 3",
        "theme": "--theme",
        "archive_mb": "DMR_TUI_ARCHIVE_MB",
        "keys.models.sort_models": f"{path}, line 5",
        "thresholds.cpu": f"{path}, line 8",
        "thresholds.slow": f"{path}, line 9",
        "keys.chat.presets": f"{path}, line 12",
    }
    assert found.keys == {"models.sort_models": "S", "chat.presets": "f7"}
    assert found.thresholds == {"cpu": (1.0, 2.0), "slow": (60.0,)}


def test_entries_of_tables_from_everywhere(tmp_path: Path) -> None:
    path = write(tmp_path, "[keys]\na.b = 'S'\nc.d = 'f2'\n[thresholds]\nswap = 5\n")
    env = {"DMR_TUI_KEYS": "c.d = f3 , f4; e.f=x;", "DMR_TUI_THRESHOLDS": "swap=6;slow=50"}
    flags = {"keys": ["e.f=y", "g.h=+,="], "thresholds": ["time_limit=50,60"]}
    found = load(flags, env, path)
    assert found.keys == {"a.b": "S", "c.d": "f3,f4", "e.f": "y", "g.h": "+,="}
    assert found.thresholds == {"swap": (6.0,), "slow": (50.0,), "time_limit": (50.0, 60.0)}
    assert found.origins["keys.c.d"] == "DMR_TUI_KEYS"
    assert found.origins["keys.e.f"] == "--key"
    with pytest.raises(BadSettings, match="--key: 'quit': write ID=KEYS"):
        load({"keys": ["quit"]}, {})
    with pytest.raises(BadSettings, match="DMR_TUI_THRESHOLDS: 'slow': write NAME=NUMBERS"):
        load({}, {"DMR_TUI_THRESHOLDS": "slow"})


def test_every_setting_is_described() -> None:
    assert set(SETTABLE) < set(sentences())
    assert all(text.endswith(".") for text in sentences().values() if text)


def test_the_example_is_the_defaults(tmp_path: Path) -> None:
    text = example([("models.sort_models", "s", "Sort.")])
    assert tomllib.loads(text) == {}, "every line is a comment"
    for name in SETTABLE:
        assert f"{flag_of(name)}, {VARIABLES[name]}" in text
    alive = re.sub(r"(?m)^#(?! )", "", text)
    found = load({}, {}, write(tmp_path, alive))
    defaults = {name: levels for name, (levels, _) in thresholds.KNOWN.items()}
    keys = {"models.sort_models": "s"}
    assert found == Settings(tls=True, tls_skip_verify=True, keys=keys, thresholds=defaults)


def test_thresholds_in_force() -> None:
    defaults = Settings().preferences.thresholds
    assert (defaults.levels("cpu"), defaults.level("slow")) == ((85.0, 95.0), 75.0)
    found = Settings(thresholds={"cpu": (10.0, 20.0)}).preferences.thresholds
    assert (found.levels("cpu"), found.level("slow")) == ((10.0, 20.0), 75.0)
    found = Settings(thresholds={"slow": (0.0,)}).preferences.thresholds
    assert (found.level("cpu"), found.level("slow")) == (85.0, 0.0)


@pytest.mark.parametrize("name", thresholds.KNOWN)
def test_the_thresholds_of_today_are_allowed(name: str) -> None:
    levels, sentence = thresholds.KNOWN[name]
    assert thresholds.checked(name, levels) == levels
    assert sentence


def test_units() -> None:
    size, usual = int(6.1 * 2**30), Settings().preferences.units
    assert (usual.memory(size), usual.gib(size), usual.memory_unit) == ("6.1 GiB", "6.1", "GiB")
    assert (usual.temperature(71.4), usual.degree) == ("71", "°C")
    units = Settings(memory_unit="GB", temperature_unit="F").preferences.units
    assert (units.memory(size), units.gib(size), units.memory_unit) == ("6.5 GB", "6.5", "GB")
    assert [units.memory(n) for n in (0, 26_000_000, 479_000)] == ["0 MB", "26 MB", "479 kB"]
    assert units.memory_short(size) == "6.5G"
    assert (units.temperature(71.4), units.degree) == ("161", "°F")
    assert units.temperature(None) == "—"
    assert format.disk(12_400_000_000) == "12.4 GB", "as DMR prints it"

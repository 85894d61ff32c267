"""What is in force, and where each setting comes from."""

import json
import tomllib
from pathlib import Path

import pytest

from dmr_tui.measure.thresholds import KNOWN
from dmr_tui.settings.schema import SETTABLE
from dmr_tui.ui.commands.table import COMMANDS
from tests.commands.conftest import Run


def line_of(text: str, name: str) -> str:
    return next(line for line in text.splitlines() if line.split()[:1] == [name])


def test_values_with_their_origin(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('\ninterval = 2\n[keys]\nmodels.sort_models = "S"\n')
    words = ("config", "--config", str(path), "--theme", "ansi-dark", "--threshold", "cpu=1,2")
    done = run(*words, DMR_TUI_ARCHIVE_MB="7", MODEL_RUNNER_TLS="1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].split() == ["file", str(path)]
    expected = {
        "interval": f"2 s {path}, line 2 DMR_TUI_INTERVAL",
        "theme": "ansi-dark --theme DMR_TUI_THEME",
        "archive_mb": "7 MB DMR_TUI_ARCHIVE_MB DMR_TUI_ARCHIVE_MB",
        "tls": "false MODEL_RUNNER_TLS MODEL_RUNNER_TLS",
        "read_only": "false default DMR_TUI_READ_ONLY",
        "host": "— default MODEL_RUNNER_HOST",
        "keys.models.sort_models": f"S {path}, line 4 DMR_TUI_KEYS",
        "thresholds.cpu": "1, 2 % --threshold DMR_TUI_THRESHOLDS",
        "thresholds.slow": "75 % default DMR_TUI_THRESHOLDS",
    }
    for name, rest in expected.items():
        assert line_of(done.stdout, name).split() == [name, *rest.split()]


def test_as_json(run: Run, tmp_path: Path) -> None:
    done = run("config", "--json", "--interval", "3")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    file = tmp_path / "dmr-tui" / "config.toml"
    assert said["file"] == {"path": str(file), "there": False}
    names = [row["name"] for row in said["settings"]]
    plain_ones = [name for name in SETTABLE if name not in ("keys", "thresholds")]
    assert names == [*plain_ones, *(f"thresholds.{name}" for name in KNOWN)]
    assert {
        "name": "interval",
        "value": 3.0,
        "unit": "s",
        "origin": "--interval",
        "variable": "DMR_TUI_INTERVAL",
        "flag": "--interval",
    } in said["settings"]


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("http://user:pa@ss@gpu:1/x", "http://…@gpu:1/x"),
        ("user:pass@gpu:1", "…@gpu:1"),
        ("http://gpu:1", "http://gpu:1"),
        ("/tmp/a@b.sock", "/tmp/a@b.sock"),
    ],
)
def test_credentials_are_not_printed(run: Run, host: str, shown: str) -> None:
    said = json.loads(run("config", "--json", "--host", host).stdout)
    (row,) = [row for row in said["settings"] if row["name"] == "host"]
    assert row["value"] == shown
    assert shown in run("config", MODEL_RUNNER_HOST=host).stdout.split()


def test_the_example_can_be_used(run: Run, tmp_path: Path) -> None:
    done = run("config", "--example")
    assert tomllib.loads(done.stdout) == {}
    alive = "\n".join(
        line.removeprefix("#") for line in done.stdout.splitlines() if line[1:2] != " "
    )
    path = tmp_path / "c.toml"
    path.write_text(alive)
    said = run("config", "--keys", "--json", "--config", str(path))
    assert said.returncode == 0, said.stderr
    rows = json.loads(said.stdout)["keys"]
    assert [row["id"] for row in rows] == [act.id for act in COMMANDS]
    assert all(row["origin"].startswith(f"{path}, line ") for row in rows)


def test_every_id_with_its_keys_and_its_sentence(run: Run) -> None:
    done = run("config", "--keys", "--key", "models.sort_models=S,f7")
    lines = done.stdout.splitlines()
    assert len(lines) == len(COMMANDS)
    assert line_of(done.stdout, "models.sort_models").split("  ")[0] == "models.sort_models"
    assert " S f7 " in line_of(done.stdout, "models.sort_models")
    assert line_of(done.stdout, "everywhere.help").endswith("Keys, and what each number means.")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--key", "models.sort_models=c"), "--key: models.sort_models = 'c': c is the key of"),
        (("--threshold", "cpu=2,1"), "--threshold: cpu = '2,1': two ascending numbers"),
        (("--config", "/nowhere/c.toml"), "/nowhere/c.toml: no such file"),
        (("--host", "a", "--context", "b"), "--host and --context: one of them"),
    ],
)
def test_a_mistake_is_one_line(run: Run, words: tuple[str, str], told: str) -> None:
    done = run("config", *words)
    assert done.returncode == 64
    assert done.stderr.startswith(f"dmr-tui: {told}")
    assert len(done.stderr.splitlines()) == 1


def test_options_before_and_after_the_name(run: Run) -> None:
    words = ("--theme", "ansi-dark", "--interval", "2", "--key", "models.sort_models=S")
    after = ("--interval", "3", "--key", "models.load_model=L", "--no-read-only")
    said = json.loads(run(*words, "config", "--json", *after).stdout)
    values = {row["name"]: row["value"] for row in said["settings"]}
    assert (values["theme"], values["interval"], values["read_only"]) == ("ansi-dark", 3.0, False)
    assert values["keys.models.sort_models"] == "S"
    assert values["keys.models.load_model"] == "L"


@pytest.mark.parametrize("command", ["status", "doctor", "ask", "pull", "requests", "config"])
def test_every_command_takes_every_option(run: Run, command: str) -> None:
    told = run(command, "--help").stdout
    assert all(
        f"--{name[:-1] if name in ('keys', 'thresholds') else name}".replace("_", "-") in told
        for name in SETTABLE
    )

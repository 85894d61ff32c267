"""status, ask and simulate without a screen."""

import json
import re
import signal
import subprocess
import sys

import httpx
import pytest

from dmr_tui.simulator.http.faults import Fault
from dmr_tui.simulator.server import Simulator, serve
from tests.commands.conftest import Run

SMALL = "smollm2:360M-Q4_K_M"


def test_status_as_json(run: Run, quiet: str) -> None:
    done = run("status", "--json", "--host", quiet)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert set(said) == {
        "taken_at",
        "attempts",
        "endpoint",
        "runner",
        "models",
        "running",
        "requests",
        "machine",
        "memory",
        "warnings",
        "sources",
    }
    assert said["endpoint"] == {"url": quiet, "socket": None, "rule": "--host"}
    assert said["runner"]["up"] is True
    assert said["runner"]["version"] == "v1.2.6"
    qwen = next(m for m in said["models"] if m["name"] == "qwen3:8B-Q4_K_M")
    assert qwen["loaded"] is True
    assert qwen["context"]["effective"] == 8192
    assert qwen["context"]["effective_source"] == "engine log"
    (running,) = said["running"]
    assert (running["model"], running["state"]) == ("qwen3:8B-Q4_K_M", "idle")
    assert said["machine"]["is_the_runners"] is True
    assert said["requests"]["finished"][0]["decode_tok_s"] > 0
    assert said["machine"]["host"]["ram_total"]["value"] > 0
    assert said["machine"]["host"]["cpu_percent"]["value"] is not None
    assert re.match(r"\d{4}-\d\d-\d\dT", said["taken_at"])


def test_status_as_a_page(run: Run, quiet: str) -> None:
    done = run("--host", f"{quiet}/engines/v1", "status")
    assert done.returncode == 0
    assert "runner     up · 127.0.0.1" in done.stdout
    assert "idle, unloads in" in done.stdout
    assert "8k of 40k" in done.stdout
    assert re.search(r"^  llama\.cpp  running: \S{9} cuda$", done.stdout, re.M), done.stdout
    assert "decode   p50" in done.stdout
    assert "RAM" in done.stdout


def test_status_without_a_runner(run: Run) -> None:
    done = run("status", "--host", "localhost:9")
    assert (done.returncode, done.stderr) == (2, "")
    assert "connection refused" in done.stdout
    done = run("status", "--host", "localhost:9", "--json")
    assert (done.returncode, done.stderr) == (2, "")
    said = json.loads(done.stdout)
    (attempt,) = said["attempts"]
    assert (attempt["url"], attempt["rule"]) == ("http://localhost:9", "--host")
    assert (attempt["ok"], attempt["answer"]) == (
        False,
        "connection refused: nothing listens there",
    )
    assert said["machine"]["is_the_runners"] is None, "nobody knows where the runner is"


def test_status_of_a_runner_that_is_not_well(run: Run) -> None:
    simulator = Simulator("quiet")
    simulator.faults.add(Fault("status", "/engines/status", text="on strike"))
    with serve(simulator) as url:
        done = run("status", "--host", url)
    assert done.returncode == 1
    assert "stale      backends: 503: on strike" in done.stdout


def test_status_again_and_again(run: Run, quiet: str) -> None:
    words = ("--host", quiet, "--interval", "0.25", "status", "--watch", "--json")
    process = subprocess.Popen(
        [sys.executable, "-m", "dmr_tui", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = [json.loads(process.stdout.readline()) for _ in range(4)]
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert lines[-1]["runner"]["up"] is True
    assert lines[-1]["models"]
    assert errors == ""
    assert process.returncode == 0


def test_the_host_may_come_from_the_environment_or_a_file(run: Run, quiet: str, tmp_path) -> None:  # type: ignore[no-untyped-def]
    said = json.loads(run("status", "--json", MODEL_RUNNER_HOST=quiet).stdout)
    assert said["endpoint"]["rule"] == "MODEL_RUNNER_HOST"
    path = tmp_path / "mine.toml"
    path.write_text(f'host = "{quiet}"\n')
    said = json.loads(run("--config", str(path), "status", "--json").stdout)
    assert said["endpoint"]["rule"] == str(path)


def test_ask_as_json(run: Run, quiet: str) -> None:
    done = run("ask", SMALL, "hello", "--json", "--max-tokens", "150", "--host", quiet)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["model"] == SMALL
    assert said["text"]
    assert said["completion_tokens"] <= 150
    assert said["finish_reason"] in {"stop", "length"}
    assert said["cold"] is True
    assert said["load_s"] > 0.3
    assert 0 < said["ttft_s"] < said["e2e_s"]
    assert said["decode_source"] == "server"
    assert said["decode_tok_s"] == pytest.approx(said["client_decode_tok_s"], rel=0.2)
    assert said["prefill_tok_s"] is None, "too few new tokens"
    assert said["error"] is None
    again = json.loads(run("--host", quiet, "ask", SMALL, "hello", "--json").stdout)
    assert (again["cold"], again["load_s"]) == (False, None)
    assert again["cached_tokens"] > 0


def test_ask_in_words(run: Run, quiet: str) -> None:
    done = run("ask", "qwen3:8B-Q4_K_M", "hi", "--max-tokens", "30", "--seed", "1", "--host", quiet)
    assert done.returncode == 0
    assert "tok/s decode server" in done.stderr
    assert "30 tokens" in done.stderr
    assert "tok/s" not in done.stdout, "the answer alone goes to standard output"


def test_ask_a_backend_without_timings(run: Run) -> None:
    with serve(Simulator("vllm")) as url:
        name = next(
            m["name"]
            for m in json.loads(run("status", "--json", "--host", url).stdout)["models"]
            if m["loaded"] and not m["embedding"]
        )
        done = run("ask", name, "go on", "--json", "--max-tokens", "60", "--host", url)
    said = json.loads(done.stdout)
    assert said["decode_source"] == "client"
    assert said["prefill_tok_s"] is None
    assert said["cached_tokens"] is None


@pytest.mark.parametrize(
    ("words", "code", "what"),
    [
        (("ask", "ai/nope", "x"), 1, "nope is not installed"),
        (("ask", "nomic-embed-text-v1.5:F16", "x"), 1, "cannot chat"),
        (("--read-only", "ask", SMALL, "x"), 1, "Read-only mode"),
        (("ask", SMALL, "word " * 9000), 1, "the context window only"),
    ],
)
def test_ask_that_fails(run: Run, quiet: str, words: tuple[str, ...], code: int, what: str) -> None:
    done = run(*words, "--host", quiet)
    assert done.returncode == code
    assert what in done.stderr
    assert "Traceback" not in done.stderr
    as_json = json.loads(run(*words, "--json", "--host", quiet).stdout)
    assert what in as_json["error"]["what"]
    assert as_json["decode_tok_s"] is None


def test_ask_nobody(run: Run) -> None:
    done = run("ask", "ai/x", "hi", "--host", "localhost:9", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["what"] == "No runner answers"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--host", "ftp://x", "status"), "'ftp' is not a scheme"),
        (("--interval", "0.01", "status"), "interval = '0.01'"),
        (("--theme", "pink"), "theme = 'pink'"),
        (("--demo", "status", "--host", "x:1"), "the demo watches a runner of its own"),
        (("--demo", "--context", "lab", "doctor"), "the demo watches a runner of its own"),
        (("--config", "/nowhere/x.toml", "status"), "no such file"),
        (("simulate", "--scenario", "nope"), "is no scenario; there are"),
    ],
)
def test_what_cannot_be_used_is_one_clear_line(run: Run, words: tuple[str, ...], what: str) -> None:
    done = run(*words)
    assert done.returncode == 64
    assert what in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_the_dashboard_needs_a_terminal(run: Run, quiet: str) -> None:
    done = run("--host", quiet)
    assert done.returncode == 64
    assert "needs a terminal" in done.stderr


def test_a_password_in_the_address_is_never_printed(run: Run) -> None:
    for words in (
        ("status", "--json"),
        ("status",),
        ("ask", "x", "y"),
        ("ask", "x", "y", "--json"),
    ):
        done = run("--host", "http://me:hunter2@localhost:9", *words)
        assert "hunter2" not in done.stdout + done.stderr


def test_help_and_version(run: Run) -> None:
    assert "dmr-tui 0." in run("--version").stdout
    text = run("--help").stdout
    for word in ("status", "ask", "simulate", "--host", "--demo", "--read-only"):
        assert word in text


def test_simulate_serves_until_it_is_told_to_end() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "dmr_tui", "simulate", "--port", "0", "--scenario", "idle"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    url = line.rsplit(" ", 1)[1].strip()
    assert url.startswith("http://127.0.0.1:"), "never another interface"
    assert httpx.get(f"{url}/version").json() == {"version": "v1.2.6"}
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")


def test_simulate_lists_its_scenarios(run: Run) -> None:
    text = run("simulate", "--list").stdout
    for name in ("quiet", "workflow", "pressure", "flaky", "old", "vllm", "idle"):
        assert name in text


def test_status_of_the_demo(run: Run) -> None:
    assert run("status", "--demo").stdout.startswith("runner     DEMO · up · ")
    said = json.loads(run("status", "--json", "--demo").stdout)
    assert said["endpoint"]["rule"] == "--demo"
    assert said["machine"]["gpu"]["source"] == "simulated"


@pytest.mark.parametrize(
    ("commands", "heavy"),
    [("status ask", "textual docker uvicorn pynvml"), ("simulate", "textual docker httpx pynvml")],
)
def test_a_command_imports_what_it_needs(commands: str, heavy: str) -> None:
    modules = ", ".join(f"dmr_tui.commands.{name}" for name in commands.split())
    code = (
        f"import sys, dmr_tui.cli, {modules};"
        f" print([m for m in {heavy.split()} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "words",
    [
        ["bogus"],
        ["--interval", "abc", "status"],
        ["ask", "ai/x", "hi", "--max-tokens", "0"],
        ["ask", "ai/x", " "],
    ],
)
def test_a_wrong_option_is_no_missing_runner(words: list[str]) -> None:
    command = [sys.executable, "-m", "dmr_tui", *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 64
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("ask", " ", "x"), "the name of the model is empty"),
        (("status", "--key", "laod=L"), "no action is called 'laod'"),
        (("ask", SMALL, "x", "--key", "models.load_model=hyper+nothing"), "no key is called"),
    ],
)
def test_what_is_wrong_is_said_by_every_command(
    run: Run, quiet: str, words: tuple[str, ...], what: str
) -> None:
    done = run(*words, "--host", quiet)
    assert done.returncode == 64
    assert what in done.stderr


def test_ask_says_which_model_may_be_meant(run: Run, quiet: str) -> None:
    assert "Did you mean qwen3:8B-Q4_K_M?" in run("ask", "qwen3:8b", "x", "--host", quiet).stderr


def test_simulate_says_that_its_port_is_taken(run: Run, quiet: str) -> None:
    done = run("simulate", "--port", quiet.rpartition(":")[2])
    assert done.returncode == 69
    assert "is taken; --port 0 takes a free one" in done.stderr


@pytest.mark.parametrize("option", [("--demo",), ("--interval", "2")])
def test_simulate_takes_none_of_the_dashboards_options(run: Run, option: tuple[str, ...]) -> None:
    done = run(*option, "simulate", "--port", "0")
    assert done.returncode == 64
    assert f"not {option[0]}" in done.stderr


def test_nothing_is_said_to_be_loaded_that_cannot_be(run: Run, quiet: str) -> None:
    for words in (("ask", "ai/nope", "x"), ("--read-only", "ask", SMALL, "x")):
        done = run(*words, "--host", quiet)
        assert done.returncode == 1
        assert "loading" not in done.stderr

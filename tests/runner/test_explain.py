"""Errors in plain words."""

import pytest

from dmr_tui.runner.errors import (
    BadAnswer,
    BrokenOff,
    NotARunner,
    ReadOnly,
    Rejected,
    RunnerError,
    TimedOut,
    Unreachable,
)
from dmr_tui.runner.explain import explain, explain_text
from tests.recorded import recorded


@pytest.mark.parametrize(
    ("name", "what", "step"),
    [
        ("chat-missing-model", "nope is not installed", "docker model pull nope"),
        (
            "chat-ctx-overflow",
            "The prompt has 20,019 tokens, the context window only 2,048",
            "--context-size 25600 nope",
        ),
        ("load-oom", "nope does not fit into GPU memory", "Unload another model"),
        ("chat-bad-backend", "The backend for this model is not installed", "--backend vllm"),
        ("chat-origin", "The runner refuses calls that come from a web page", ""),
        ("configure-busy", "The model is busy, so its configuration cannot change", "idle"),
    ],
)
def test_recorded_errors(name: str, what: str, step: str) -> None:
    exchange = recorded(f"v1.2.6/{name}")
    explanation = explain(Rejected(exchange.response["status"], exchange.body), "ai/nope")
    assert explanation.what == what
    assert step in explanation.step


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("llama.cpp terminated unexpectedly: exit status 0xc0000135", "a library is missing"),
        ("error loading model: unknown model architecture: 'qwen9'", "does not know this kind"),
        ("inference backend took too long to initialize", "not ready within five minutes"),
        ("llama.cpp terminated unexpectedly: exit status 1", "ended while it loaded"),
        ("failed to allocate buffer, size = 4096.00 MiB", "does not fit into GPU memory"),
    ],
)
def test_texts_that_users_meet(text: str, what: str) -> None:
    assert what in explain_text(500, f"unable to load runner: {text}", "ai/x").what


@pytest.mark.parametrize(
    "error",
    [
        Unreachable("connection refused"),
        TimedOut("no answer"),
        BrokenOff("cut"),
        NotARunner("html"),
        BadAnswer("what"),
        ReadOnly("no"),
    ],
)
def test_every_kind_of_failure_says_what_happened(error: RunnerError) -> None:
    explanation = explain(error)
    assert explanation.what
    assert explanation.detail == str(error)


def test_an_unknown_text_is_shown_with_its_last_line() -> None:
    explanation = explain_text(500, "first\n\nthe end of it\n")
    assert explanation.what == "The runner answered 500: the end of it"


def test_without_a_name_the_sentence_still_reads() -> None:
    assert explain_text(404, "model not found").what == "The model is not installed"

"""Every way to write one model is one model."""

import pytest

from dmr_tui.runner.names import Names, canonical, digest_in, short

DIGEST = "sha256:" + "6b2404074c575d7e3705cef045147e5e9e5c98913a28d63b0da565148f05413e"
OTHER = "sha256:" + "9" * 64


@pytest.mark.parametrize(
    "name",
    [
        "ai/x",
        "x",
        "docker.io/ai/x:latest",
        "index.docker.io/ai/x",
        "ai/x:latest",
        "X:latest",
        " x ",
    ],
)
def test_names_of_one_model(name: str) -> None:
    assert canonical(name) == "ai/x:latest"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hf.co/Bartowski/Qwen-GGUF:Q4_K_M", "huggingface.co/bartowski/qwen-gguf:Q4_K_M"),
        ("huggingface.co/bartowski/qwen-gguf:Q4_K_M", "huggingface.co/bartowski/qwen-gguf:Q4_K_M"),
        ("localhost:5000/ai/x", "localhost:5000/ai/x:latest"),
        ("myorg/x:Q8_0", "myorg/x:Q8_0"),
    ],
)
def test_other_registries_stay_apart(name: str, expected: str) -> None:
    assert canonical(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("docker.io/ai/gemma3:latest", "gemma3"),
        ("ai/llama3.2:1B-Q8_0", "llama3.2:1B-Q8_0"),
        ("docker.io/myorg/gemma3:latest", "myorg/gemma3"),
        ("hf.co/bartowski/model:latest", "hf.co/bartowski/model"),
        ("localhost:5000/ai/x:1", "localhost:5000/ai/x:1"),
        (DIGEST, "6b2404074c57"),
    ],
)
def test_short_names_are_those_of_docker_model_ls(name: str, expected: str) -> None:
    assert short(name) == expected


@pytest.mark.parametrize(
    "text",
    [
        DIGEST,
        f"{DIGEST}_1795387275636578532",
        f"/models/bundles/{DIGEST.replace(':', '/')}/model/model.gguf",
    ],
)
def test_a_digest_is_found_wherever_it_is_written(text: str) -> None:
    assert digest_in(text) == DIGEST


def test_a_longer_hex_string_is_no_digest() -> None:
    assert digest_in("sha256:" + "a" * 65) is None
    assert digest_in("ai/x") is None


def test_names_resolve_to_digests() -> None:
    names = Names([(DIGEST, ["docker.io/ai/tiny:Q4", "docker.io/ai/tiny:best"]), (OTHER, [])])
    for name in ("tiny:Q4", "ai/tiny:best", DIGEST, DIGEST[7:], DIGEST[7:19]):
        assert names.digest(name) == DIGEST
    assert names.digest(OTHER[7:19]) == OTHER
    assert names.digest("tiny:q4") is None, "a tag is compared as it is"
    assert names.digest("tiny") is None
    assert names.digest("abcdefabcdef") is None

"""The shape of a network out of its GGUF header, as the runner tells it: texts, or nothing."""

import pytest

from dmr_tui.measure.architecture import Architecture, Layer, read_architecture

LLAMA = {
    "general.architecture": "llama",
    "llama.block_count": "32",
    "llama.embedding_length": "4096",
    "llama.attention.head_count": "32",
    "llama.attention.head_count_kv": "8",
    "llama.context_length": "8192",
    "llama.vocab_size": "128256",
}


def architecture(**changed: str | None) -> Architecture:
    """The header above with some entries changed, or left out."""
    found = read_architecture(header(changed), None).value
    assert found is not None, read_architecture(header(changed), None).reason
    return found


def header(changed: dict[str, str | None]) -> dict[str, object]:
    named = {f"llama.{key.replace('__', '.')}": value for key, value in changed.items()}
    return {k: v for k, v in {**LLAMA, **named}.items() if v is not None}


def test_grouped_query_attention() -> None:
    found = architecture()
    assert found.layers == (Layer(8, 128, 128),) * 32
    assert (found.embedding, found.heads) == (4096, 32)
    assert (found.vocabulary, found.trained) == (128256, 8192)
    assert found.causal


def test_without_kv_heads_every_head_has_its_own() -> None:
    assert architecture(attention__head_count_kv=None).layers[0].kv_heads == 32


def test_kv_heads_of_each_layer() -> None:
    found = architecture(block_count="4", attention__head_count_kv="8, 0, 4, 0")
    assert [layer.kv_heads for layer in found.layers] == [8, 0, 4, 0]


def test_lengths_of_keys_and_values() -> None:
    found = architecture(attention__key_length="192", attention__value_length="64")
    assert found.layers[0] == Layer(8, 192, 64)


@pytest.mark.parametrize(
    ("architecture", "pattern", "full"),
    [
        ("gemma3", None, [5, 11]),
        ("gemma2", None, [1, 3, 5, 7, 9, 11]),
        ("gpt-oss", None, [1, 3, 5, 7, 9, 11]),
        ("cohere2", None, [3, 7, 11]),
        ("gemma3", "4", [3, 7, 11]),
        ("qwen3", None, list(range(12))),
        ("phi3", None, list(range(12))),
    ],
)
def test_sliding_windows(architecture: str, pattern: str | None, full: list[int]) -> None:
    own = {
        key.replace("llama.", f"{architecture}."): value
        for key, value in LLAMA.items()
        if key != "general.architecture"
    }
    told: dict[str, object] = {
        **own,
        "general.architecture": architecture,
        f"{architecture}.block_count": "12",
        f"{architecture}.attention.sliding_window": "1024",
    }
    if pattern:
        told[f"{architecture}.attention.sliding_window_pattern"] = pattern
    found = read_architecture(told, None).value
    assert found is not None
    assert [place for place, layer in enumerate(found.layers) if layer.window is None] == full
    assert {layer.window for layer in found.layers} <= {None, 1024}


def test_a_pattern_for_each_layer() -> None:
    pattern = "true, true, false, true"
    found = architecture(
        block_count="4",
        attention__sliding_window="512",
        attention__sliding_window_pattern=pattern,
    )
    assert [layer.window for layer in found.layers] == [512, 512, None, 512]


@pytest.mark.parametrize("architecture", ["nomic-bert", "bert", "jina-bert-v2"])
def test_encoders_keep_no_cache(architecture: str) -> None:
    own = {key.replace("llama.", f"{architecture}."): value for key, value in LLAMA.items()}
    found = read_architecture({**own, "general.architecture": architecture}, None).value
    assert found is not None
    assert not found.causal


def test_a_decoder_that_looks_both_ways_keeps_its_cache() -> None:
    assert architecture(attention__causal="false").causal


def test_latent_attention_keeps_no_values() -> None:
    found = architecture(
        attention__head_count_kv="1",
        attention__key_length="576",
        attention__value_length="512",
        attention__key_length_mla="192",
        attention__value_length_mla="128",
    )
    assert found.layers == (Layer(1, 576, 0),) * 32


def test_layers_that_share_a_cache_keep_none_of_their_own() -> None:
    found = architecture(block_count="4", attention__shared_kv_layers="3")
    assert [layer.kv_heads for layer in found.layers] == [8, 0, 0, 0]
    absurd = architecture(block_count="4", attention__shared_kv_layers="9")
    assert [layer.kv_heads for layer in absurd.layers] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("changed", "width"),
    [
        ({}, None),
        ({"feed_forward_length": "14336"}, 14336),
        ({"block_count": "3", "feed_forward_length": "100, 300, 200"}, 300),
        ({"feed_forward_length": "512", "expert_used_count": "4"}, 2048),
        (
            {
                "feed_forward_length": "6144",
                "expert_used_count": "8",
                "expert_feed_forward_length": "768",
            },
            6144,
        ),
        (
            {
                "feed_forward_length": "512",
                "expert_used_count": "8",
                "expert_feed_forward_length": "768",
            },
            6144,
        ),
        ({"expert_used_count": "8"}, None),
    ],
)
def test_the_widest_feed_forward_layer(changed: dict[str, str | None], width: int | None) -> None:
    assert architecture(**changed).feed_forward == width


def test_recurrent_layers_keep_a_state() -> None:
    found = architecture(
        block_count="4",
        attention__head_count_kv="0, 0, 8, 0",
        ssm__inner_size="4096",
        ssm__state_size="128",
        ssm__conv_kernel="4",
        ssm__group_count="1",
    )
    one = 4 * (3 * (4096 + 2 * 128) + 128 * 4096)
    assert found.state == 3 * one


def test_a_network_without_any_attention() -> None:
    found = architecture(
        attention__head_count="0",
        attention__head_count_kv=None,
        ssm__inner_size="4096",
        ssm__state_size="16",
        ssm__conv_kernel="4",
    )
    assert all(layer.kv_heads == 0 for layer in found.layers)
    assert found.state == 32 * 4 * (3 * 4096 + 16 * 4096)


def test_a_vocabulary_that_is_not_told_is_known_by_its_tokenizer() -> None:
    told = {**header({"vocab_size": None}), "tokenizer.ggml.pre": "qwen2"}
    found = read_architecture(told, None).value
    assert found is not None
    assert found.vocabulary == 151_936
    assert architecture(vocab_size=None).vocabulary is None


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"block_count": "1000000000000"}, "1,000,000,000,000 layers"),
        ({"block_count": "-3"}, "block_count is -3"),
        ({"block_count": "0"}, "does not tell block_count"),
        ({"block_count": None}, "does not tell block_count"),
        ({"block_count": "many"}, "block_count is 'many'"),
        ({"embedding_length": str(2**64 - 1)}, "embedding_length is"),
        ({"attention__head_count": None}, "does not tell attention.head_count"),
        ({"attention__head_count": "[N/A]"}, "attention.head_count is '[N/A]'"),
        ({"attention__head_count_kv": "8, 8, 8"}, "3 of attention.head_count_kv for 32 layers"),
        ({"attention__head_count_kv": "8, x"}, "attention.head_count_kv is"),
        ({"context_length": "1e6"}, "context_length is '1e6'"),
    ],
)
def test_a_header_that_lies_or_lacks_is_unknown_with_its_reason(
    changed: dict[str, str | None], reason: str
) -> None:
    found = read_architecture(header(changed), None)
    assert found.value is None
    assert reason in found.reason


def test_no_header_and_no_architecture() -> None:
    assert "nothing" in read_architecture(None, "llama").reason
    assert "nothing" in read_architecture({}, "llama").reason
    assert "architecture" in read_architecture({"a": "b"}, None).reason
    named = {key: value for key, value in LLAMA.items() if key != "general.architecture"}
    assert read_architecture(named, "llama").value is not None

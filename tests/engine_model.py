"""A llama model of a few hundred kilobytes with random weights, for a real llama.cpp."""

from pathlib import Path

import gguf
import numpy as np

_SPECIAL = (("<unk>", 2), ("<s>", 3), ("</s>", 3))
_SYLLABLES = [first + second for first in "bdfgklmnprst" for second in "aeiou"]
_TEMPLATE = (
    "{% for message in messages %}<{{ message.role }}> {{ message.content }}\n{% endfor %}<answer>"
)


def write_model(
    path: Path,
    *,
    context: int = 4096,
    embedding: int = 64,
    blocks: int = 2,
    heads: int = 4,
    kv_heads: int = 2,
    feed_forward: int = 128,
    causal: bool = True,
) -> Path:
    """Write a GGUF file that llama.cpp loads; it says syllables, and never ends by itself."""
    rng = np.random.default_rng(7)
    vocabulary = _vocabulary()
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tiny-random")
    writer.add_context_length(context)
    writer.add_embedding_length(embedding)
    writer.add_block_count(blocks)
    writer.add_feed_forward_length(feed_forward)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    if not causal:
        writer.add_causal_attention(False)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(embedding // heads)
    writer.add_vocab_size(len(vocabulary))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([text for text, _ in vocabulary])
    writer.add_token_types([kind for _, kind in vocabulary])
    writer.add_token_scores([-float(place) for place in range(len(vocabulary))])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(True)
    writer.add_chat_template(_TEMPLATE)

    def weights(*size: int) -> np.ndarray:
        return (0.05 * rng.standard_normal(size)).astype(np.float32)

    ones = np.ones(embedding, np.float32)
    shared = embedding // heads * kv_heads
    output = weights(len(vocabulary), embedding)
    # A zero row has the same score for every state, so that only syllables win.
    output[: len(_SPECIAL) + 256] = 0.0
    writer.add_tensor("token_embd.weight", weights(len(vocabulary), embedding))
    writer.add_tensor("output_norm.weight", ones)
    writer.add_tensor("output.weight", output)
    for block in range(blocks):
        for name, size in {
            "attn_q": (embedding, embedding),
            "attn_k": (shared, embedding),
            "attn_v": (shared, embedding),
            "attn_output": (embedding, embedding),
            "ffn_gate": (feed_forward, embedding),
            "ffn_up": (feed_forward, embedding),
            "ffn_down": (embedding, feed_forward),
        }.items():
            writer.add_tensor(f"blk.{block}.{name}.weight", weights(*size))
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{block}.{name}.weight", ones)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _vocabulary() -> list[tuple[str, int]]:
    """Texts and types: special tokens, one token for each byte, then syllables."""
    byte_tokens = [(f"<0x{byte:02X}>", 6) for byte in range(256)]
    words = [(f"\u2581{syllable}", 1) for syllable in _SYLLABLES]
    return [*_SPECIAL, *byte_tokens, ("\u2581", 1), *words, *((each, 1) for each in _SYLLABLES)]

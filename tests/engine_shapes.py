"""Tiny models of other shapes than llama's, with random weights, for a real llama.cpp."""

from pathlib import Path

import gguf
import numpy as np

_VOCABULARY = 512
WORDS = [f"\u2581w{number}" for number in range(_VOCABULARY - 259)]


def write_sliding(path: Path, *, context: int, window: int, blocks: int) -> Path:
    """A gemma3: one layer in six looks at the whole context, the others at a window of it."""
    embedding, heads, kv_heads, length, feed = 128, 4, 2, 64, 256
    writer = gguf.GGUFWriter(str(path), "gemma3")
    _common(writer, context, embedding, blocks, feed, heads, kv_heads)
    writer.add_key_length(length)
    writer.add_value_length(length)
    writer.add_sliding_window(window)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(10_000.0)
    _spm_tokenizer(writer)
    weights = _weights()
    writer.add_tensor("token_embd.weight", weights(_VOCABULARY, embedding))
    writer.add_tensor("output_norm.weight", np.ones(embedding, np.float32))
    for block in range(blocks):
        for name, size in {
            "attn_q": (heads * length, embedding),
            "attn_k": (kv_heads * length, embedding),
            "attn_v": (kv_heads * length, embedding),
            "attn_output": (embedding, heads * length),
            "ffn_gate": (feed, embedding),
            "ffn_up": (feed, embedding),
            "ffn_down": (embedding, feed),
        }.items():
            writer.add_tensor(f"blk.{block}.{name}.weight", weights(*size))
        for name, width in {
            "attn_norm": embedding,
            "post_attention_norm": embedding,
            "ffn_norm": embedding,
            "post_ffw_norm": embedding,
            "attn_q_norm": length,
            "attn_k_norm": length,
        }.items():
            writer.add_tensor(f"blk.{block}.{name}.weight", np.ones(width, np.float32))
    return _write(writer, path)


def write_encoder(path: Path, *, context: int, blocks: int) -> Path:
    """A bert, which makes embeddings and keeps no KV cache."""
    embedding, heads, feed = 128, 4, 512
    writer = gguf.GGUFWriter(str(path), "bert")
    _common(writer, context, embedding, blocks, feed, heads, heads)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_tokenizer_model("bert")
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens = special + [f"\u2581word{number}" for number in range(_VOCABULARY - len(special))]
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(special) + [1] * (_VOCABULARY - len(special)))
    writer.add_token_type_count(2)
    writer.add_bos_token_id(2)
    writer.add_eos_token_id(3)
    writer.add_unk_token_id(1)
    writer.add_sep_token_id(3)
    writer.add_pad_token_id(0)
    writer.add_mask_token_id(4)
    weights = _weights()
    writer.add_tensor("token_embd.weight", weights(_VOCABULARY, embedding))
    writer.add_tensor("token_types.weight", weights(2, embedding))
    writer.add_tensor("position_embd.weight", weights(context, embedding))
    _norm(writer, "token_embd_norm", embedding)
    for block in range(blocks):
        for name, size in {
            "attn_q": (embedding, embedding),
            "attn_k": (embedding, embedding),
            "attn_v": (embedding, embedding),
            "attn_output": (embedding, embedding),
            "ffn_up": (feed, embedding),
            "ffn_down": (embedding, feed),
        }.items():
            writer.add_tensor(f"blk.{block}.{name}.weight", weights(*size))
            writer.add_tensor(f"blk.{block}.{name}.bias", np.zeros(size[0], np.float32))
        _norm(writer, f"blk.{block}.attn_output_norm", embedding)
        _norm(writer, f"blk.{block}.layer_output_norm", embedding)
    return _write(writer, path)


def write_latent(path: Path, *, context: int, blocks: int) -> Path:
    """A deepseek2, whose latent attention keeps keys alone, for all heads together."""
    embedding, heads, feed = 128, 4, 512
    plain, turned, latent, length, rank = 32, 16, 64, 32, 32
    writer = gguf.GGUFWriter(str(path), "deepseek2")
    _common(writer, context, embedding, blocks, feed, heads, 1)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_leading_dense_block_count(blocks)
    writer.add_q_lora_rank(rank)
    writer.add_kv_lora_rank(latent)
    writer.add_key_length(latent + turned)
    writer.add_value_length(latent)
    writer.add_key_length_mla(plain + turned)
    writer.add_value_length_mla(length)
    writer.add_rope_dimension_count(turned)
    writer.add_rope_freq_base(10_000.0)
    writer.add_expert_count(0)
    writer.add_expert_used_count(0)
    writer.add_expert_shared_count(0)
    writer.add_expert_feed_forward_length(64)
    writer.add_expert_weights_scale(1.0)
    _spm_tokenizer(writer)
    weights = _weights()
    writer.add_tensor("token_embd.weight", weights(_VOCABULARY, embedding))
    writer.add_tensor("output.weight", weights(_VOCABULARY, embedding))
    writer.add_tensor("output_norm.weight", np.ones(embedding, np.float32))
    for block in range(blocks):
        for name, size in {
            "attn_q_a": (rank, embedding),
            "attn_q_b": (heads * (plain + turned), rank),
            "attn_kv_a_mqa": (latent + turned, embedding),
            "attn_k_b": (heads, latent, plain),
            "attn_v_b": (heads, length, latent),
            "attn_output": (embedding, heads * length),
            "ffn_gate": (feed, embedding),
            "ffn_up": (feed, embedding),
            "ffn_down": (embedding, feed),
        }.items():
            writer.add_tensor(f"blk.{block}.{name}.weight", weights(*size))
        for name, width in {
            "attn_norm": embedding,
            "attn_q_a_norm": rank,
            "attn_kv_a_norm": latent,
            "ffn_norm": embedding,
        }.items():
            writer.add_tensor(f"blk.{block}.{name}.weight", np.ones(width, np.float32))
    return _write(writer, path)


def write_recurrent(path: Path, *, context: int, blocks: int) -> Path:
    """A mamba, which keeps a state for each sequence in place of a KV cache."""
    embedding, inner, state, kernel, rank = 128, 256, 128, 4, 8
    writer = gguf.GGUFWriter(str(path), "mamba")
    _common(writer, context, embedding, blocks, 0, 0, 0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_ssm_conv_kernel(kernel)
    writer.add_ssm_inner_size(inner)
    writer.add_ssm_state_size(state)
    writer.add_ssm_time_step_rank(rank)
    _spm_tokenizer(writer)
    weights = _weights()
    writer.add_tensor("token_embd.weight", weights(_VOCABULARY, embedding))
    writer.add_tensor("output_norm.weight", np.ones(embedding, np.float32))
    for block in range(blocks):
        for name, size in {
            "attn_norm.weight": (embedding,),
            "ssm_in.weight": (2 * inner, embedding),
            "ssm_conv1d.weight": (inner, kernel),
            "ssm_conv1d.bias": (inner,),
            "ssm_x.weight": (rank + 2 * state, inner),
            "ssm_dt.weight": (inner, rank),
            "ssm_dt.bias": (inner,),
            "ssm_a": (inner, state),
            "ssm_d": (inner,),
            "ssm_out.weight": (embedding, inner),
        }.items():
            writer.add_tensor(f"blk.{block}.{name}", weights(*size))
    return _write(writer, path)


def header(path: Path) -> dict[str, str]:
    """The entries of a file as the runner tells them: texts, long lists left out."""
    told = {}
    for field in gguf.GGUFReader(path).fields.values():
        if field.name.startswith("GGUF."):
            continue
        value = field.contents()
        if isinstance(value, list):
            if len(value) > 50:
                continue
            value = ", ".join(str(each) for each in value)
        told[field.name] = str(value).lower() if isinstance(value, bool) else str(value)
    return told


def weight_bytes(path: Path) -> int:
    """Bytes of all tensors, which is what the runner tells as the size."""
    return sum(int(tensor.n_bytes) for tensor in gguf.GGUFReader(path).tensors)


def _common(
    writer: gguf.GGUFWriter,
    context: int,
    embedding: int,
    blocks: int,
    feed: int,
    heads: int,
    kv_heads: int,
) -> None:
    writer.add_name("tiny-random")
    writer.add_context_length(context)
    writer.add_embedding_length(embedding)
    writer.add_block_count(blocks)
    writer.add_feed_forward_length(feed)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_vocab_size(_VOCABULARY)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)


def _spm_tokenizer(writer: gguf.GGUFWriter) -> None:
    special = [("<unk>", 2), ("<s>", 3), ("</s>", 3)]
    vocabulary = [
        *special,
        *((f"<0x{byte:02X}>", 6) for byte in range(256)),
        *((word, 1) for word in WORDS),
    ]
    writer.add_tokenizer_model("llama")
    writer.add_token_list([text for text, _ in vocabulary])
    writer.add_token_types([kind for _, kind in vocabulary])
    writer.add_token_scores([-float(place) for place in range(len(vocabulary))])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)


def _weights():  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(11)
    return lambda *size: (0.05 * rng.standard_normal(size)).astype(np.float32)


def _norm(writer: gguf.GGUFWriter, name: str, width: int) -> None:
    writer.add_tensor(f"{name}.weight", np.ones(width, np.float32))
    writer.add_tensor(f"{name}.bias", np.zeros(width, np.float32))


def _write(writer: gguf.GGUFWriter, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path

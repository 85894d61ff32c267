"""The models that a simulated runner has, and those that it can pull."""

from dataclasses import replace

from dmr_tui.simulator.models.model import Layers, Model, Profile

_CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_GEMMA = (
    "{{ bos_token }}{% for message in messages %}<start_of_turn>{{ message.role }}\n"
    "{{ message.content }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
_LLAMA3 = (
    "{{ bos_token }}{% for message in messages %}<|start_header_id|>{{ message.role }}"
    "<|end_header_id|>\n\n{{ message.content }}<|eot_id|>{% endfor %}"
)


def _names(base: str, size: str) -> dict[str, str]:
    return {"general.basename": base, "general.size_label": size}


def _decoder(
    base: str, size: str, epsilon: str, frequency: str, dimensions: str = ""
) -> dict[str, str]:
    return _names(base, size) | {
        "attention.layer_norm_rms_epsilon": epsilon,
        "rope.freq_base": frequency,
        **({"rope.dimension_count": dimensions} if dimensions else {}),
    }


def _tokenizer(kind: str, bos: int, eos: int, template: str = "", pre: str = "") -> dict[str, str]:
    header = {
        "tokenizer.ggml.model": kind,
        "tokenizer.ggml.bos_token_id": str(bos),
        "tokenizer.ggml.eos_token_id": str(eos),
        "tokenizer.ggml.add_bos_token": "true" if bos != eos and kind != "gpt2" else "false",
        "tokenizer.chat_template": template,
        "tokenizer.ggml.pre": pre,
    }
    return {key: value for key, value in header.items() if value}


QWEN3 = Model(
    name="ai/qwen3:8B-Q4_K_M",
    architecture="qwen3",
    quantization="MOSTLY_Q4_K_M",
    parameters=8_190_735_360,
    size=5_021_834_240,
    trained_context=40960,
    packaged_context=8192,
    layers=Layers(36, 4096, 12288, 32, 8, 151936, key_length=128),
    profile=Profile(decode=78.0, prefill=2350.0, load_seconds=2.7),
    reasoning=True,
    header=_decoder("Qwen3", "8B", "0.000001", "1000000.000000")
    | _tokenizer("gpt2", 151643, 151645, _CHATML, "qwen2"),
)
GEMMA3 = Model(
    name="ai/gemma3:4B-Q4_K_M",
    architecture="gemma3",
    quantization="MOSTLY_Q4_K_M",
    parameters=3_880_099_328,
    size=2_483_136_512,
    trained_context=131072,
    packaged_context=131072,
    layers=Layers(34, 2560, 10240, 8, 4, 262144, 256, sliding_window=1024, full_every=6),
    profile=Profile(decode=100.0, prefill=4100.0, load_seconds=1.8),
    header=_decoder("gemma-3", "4B", "0.000001", "1000000.000000")
    | _tokenizer("llama", 2, 106, _GEMMA, "default")
    | {"rope.scaling.factor": "8.000000", "rope.scaling.type": "linear"},
)
LLAMA32 = Model(
    name="ai/llama3.2:1B-Q8_0",
    architecture="llama",
    quantization="MOSTLY_Q8_0",
    parameters=1_235_814_432,
    size=1_313_251_456,
    trained_context=131072,
    packaged_context=16384,
    layers=Layers(16, 2048, 8192, 32, 8, 128256, key_length=64),
    profile=Profile(decode=245.0, prefill=9800.0, load_seconds=0.48),
    header=_decoder("Llama-3.2", "1B", "0.000010", "500000.000000", "64")
    | _tokenizer("gpt2", 128000, 128009, _LLAMA3, "llama-bpe"),
)
SMOLLM2 = Model(
    name="ai/smollm2:360M-Q4_K_M",
    architecture="llama",
    quantization="MOSTLY_Q4_K_M",
    parameters=361_821_120,
    size=268_794_880,
    trained_context=8192,
    packaged_context=8192,
    layers=Layers(32, 960, 2560, 15, 5, 49152),
    profile=Profile(decode=330.0, prefill=14000.0, load_seconds=0.4),
    header=_decoder("SmolLM2", "360M", "0.000010", "100000.000000", "64")
    | _tokenizer("gpt2", 1, 2, _CHATML, "smollm"),
)
PHI4 = Model(
    name="ai/phi4:14B-Q4_K_M",
    architecture="phi3",
    quantization="MOSTLY_Q4_K_M",
    parameters=14_659_507_200,
    size=9_046_093_824,
    trained_context=16384,
    packaged_context=16384,
    layers=Layers(40, 5120, 17920, 40, 10, 100352),
    profile=Profile(decode=52.0, prefill=1500.0, load_seconds=4.6),
    header=_decoder("phi-4", "15B", "0.000010", "250000.000000", "128")
    | _tokenizer("gpt2", 100257, 100265, _CHATML, "dbrx"),
)
NEMO = Model(
    name="ai/mistral-nemo:12B-Q4_K_M",
    architecture="llama",
    quantization="MOSTLY_Q4_K_M",
    parameters=12_247_782_400,
    size=7_470_264_320,
    trained_context=1_024_000,
    packaged_context=131072,
    layers=Layers(40, 5120, 14336, 32, 8, 131072, key_length=128),
    profile=Profile(decode=61.0, prefill=1780.0, load_seconds=3.9),
    header=_decoder("Mistral-Nemo", "12B", "0.000010", "1000000.000000", "128")
    | _tokenizer("gpt2", 1, 2, _CHATML, "tekken"),
)
NOMIC = Model(
    name="ai/nomic-embed-text-v1.5:F16",
    architecture="nomic-bert",
    quantization="MOSTLY_F16",
    parameters=136_727_040,
    size=273_526_272,
    trained_context=2048,
    packaged_context=2048,
    layers=Layers(12, 768, 3072, 12, 12, 30522),
    profile=Profile(decode=0.0, prefill=21000.0, load_seconds=0.4),
    embedding=True,
    header=_names("nomic-embed-text", "137M")
    | _tokenizer("bert", 101, 102)
    | {
        "attention.layer_norm_epsilon": "0.000000",
        "attention.causal": "false",
        "pooling_type": "1",
        "rope.freq_base": "1000.000000",
    },
)
BARTOWSKI = replace(
    LLAMA32,
    name="huggingface.co/bartowski/llama-3.2-1b-instruct-gguf:Q6_K",
    quantization="MOSTLY_Q6_K",
    size=1_015_803_904,
    packaged_context=131072,
    profile=Profile(decode=268.0, prefill=9100.0, load_seconds=0.45),
)
VLLM_QWEN3 = Model(
    name="ai/qwen3-vllm:4B",
    architecture="Qwen3ForCausalLM",
    quantization="BF16",
    parameters=4_022_468_096,
    size=8_044_936_192,
    trained_context=40960,
    packaged_context=16384,
    layers=Layers(36, 2560, 9728, 32, 8, 151936, key_length=128),
    profile=Profile(decode=92.0, prefill=7800.0, load_seconds=9.5),
    format="safetensors",
    reasoning=True,
)

INSTALLED = (QWEN3, GEMMA3, LLAMA32, SMOLLM2, PHI4, NEMO, NOMIC, BARTOWSKI)


def _on_processor(model: Model) -> Model:
    fast = model.profile
    slow = Profile(fast.decode / 12.5, fast.prefill / 57.0, 1.15 * fast.load_seconds)
    return replace(model, profile=slow)


SLOW = tuple(_on_processor(model) for model in INSTALLED)
"""The same on a processor instead of a GPU."""

LLAMA32_3B = replace(
    LLAMA32,
    name="ai/llama3.2:3B-Q4_K_M",
    quantization="MOSTLY_Q4_K_M",
    parameters=3_212_749_888,
    size=2_011_541_504,
    layers=Layers(28, 3072, 8192, 24, 8, 128256, key_length=128),
    profile=Profile(decode=141.0, prefill=5200.0, load_seconds=1.5),
)
LLAMA33 = replace(
    LLAMA32,
    name="ai/llama3.3:70B-Q4_K_M",
    quantization="MOSTLY_Q4_K_M",
    parameters=70_553_706_496,
    size=42_520_395_776,
    packaged_context=131072,
    layers=Layers(80, 8192, 28672, 64, 8, 128256, key_length=128),
    profile=Profile(decode=11.0, prefill=310.0, load_seconds=21.0),
)
PULLABLE = (
    *INSTALLED,
    VLLM_QWEN3,
    LLAMA33,
    replace(SMOLLM2, name="ai/smollm2:latest", size=268_794_880 + 1),
    replace(
        QWEN3,
        name="ai/qwen3:0.6B-Q4_K_M",
        parameters=596_049_920,
        size=391_000_064,
        layers=Layers(28, 1024, 3072, 16, 8, 151936, key_length=128),
        profile=Profile(decode=290.0, prefill=12500.0, load_seconds=0.5),
    ),
    LLAMA32_3B,
)
LATEST = (GEMMA3, LLAMA32_3B, LLAMA33, NEMO, NOMIC, PHI4, QWEN3)
"""The models that the registry sends for a name without a tag."""


def generated(count: int) -> list[Model]:
    """`count` more models; the first two have tags with markup and control characters."""
    names = ["ai/[red]x[/y]:Q4_K_M", "ai/bell\x07\x1b[31mred:Q4_K_M"]
    names += [f"ai/model-{number:04}:Q4_K_M" for number in range(1, count - 1)]
    return [replace(SMOLLM2, name=name) for name in names[:count]]

"""Embeddings without a model: directions that depend on the text alone."""

import array
import base64
import math
import random
from typing import Any

from dmr_tui.simulator.model import Model
from dmr_tui.simulator.tokens import prompt_tokens
from dmr_tui.simulator.wire import compact


def embeddings(model: Model, request: dict[str, Any], seed: int) -> bytes:
    """The answer to an embeddings call; vectors of length 1, floats or base64."""
    given = request.get("input", "")
    texts = given if isinstance(given, list) else [given]
    in_base64 = request.get("encoding_format") == "base64"
    data = []
    count = 0
    for index, text in enumerate(texts):
        count += len(prompt_tokens(str(text))) + 2
        vector = _vector(f"{seed}{text}", model.layers.embedding)
        entry: dict[str, Any] = {"embedding": vector, "index": index, "object": "embedding"}
        if in_base64:
            packed = array.array("f", vector).tobytes()
            entry["embedding"] = base64.b64encode(packed).decode()
            entry["encoding_format"] = "base64"
        data.append(entry)
    usage = {"prompt_tokens": count, "total_tokens": count}
    answer = {"model": model.path, "object": "list", "usage": usage, "data": data}
    return compact(answer).encode()


def _vector(seed: str, size: int) -> list[float]:
    rng = random.Random(seed)
    raw = [rng.gauss(0.0, 1.0) for _ in range(size)]
    length = math.sqrt(sum(each * each for each in raw))
    return [round(each / length, 8) for each in raw]

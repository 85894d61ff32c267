"""Embeddings without a model: directions that depend on the text alone."""

import array
import base64
import math
import random
from typing import Any

from dmr_tui.simulator.models.model import Model
from dmr_tui.simulator.output.answer_format import compact
from dmr_tui.simulator.output.tokens import prompt_tokens


def embeddings(model: Model, fields: dict[str, Any], seed: int) -> tuple[bytes, int]:
    """The answer to a request's `fields`, and its prompt tokens.

    The vectors have length 1 and are lists of floats or base64.
    """
    given = fields.get("input", "")
    texts = given if isinstance(given, list) else [given]
    data: list[dict[str, Any]] = []
    for index, text in enumerate(texts):
        vector = _vector(f"{seed}{text}", model.layers.embedding)
        entry = {"embedding": vector, "index": index, "object": "embedding"}
        if fields.get("encoding_format") == "base64":
            packed = base64.b64encode(array.array("f", vector).tobytes()).decode()
            entry |= {"embedding": packed, "encoding_format": "base64"}
        data.append(entry)
    count = sum(len(prompt_tokens(str(text))) + 2 for text in texts)
    usage = {"prompt_tokens": count, "total_tokens": count}
    answer = {"model": model.path, "object": "list", "usage": usage, "data": data}
    return compact(answer).encode(), count


def _vector(seed: str, size: int) -> list[float]:
    rng = random.Random(seed)
    raw = [rng.gauss(0.0, 1.0) for _ in range(size)]
    length = math.hypot(*raw)
    return [round(each / length, 8) for each in raw]

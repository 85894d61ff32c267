"""One measured answer as JSON."""

from typing import Any

from dmr_tui.measure.meter import Turn


def turn_json(turn: Turn) -> dict[str, Any]:
    """The answer for programs; null where unknown, times in seconds, rates in tokens a second."""
    return {
        "model": turn.model,
        "text": turn.text,
        "reasoning": turn.reasoning or None,
        "tool_calls": turn.tool_calls,
        "finish_reason": turn.finish_reason,
        "cold": turn.cold,
        "load_s": turn.load_s,
        "ttft_s": turn.ttft_s,
        "first_visible_s": turn.first_visible_s,
        "e2e_s": turn.e2e_s,
        "wait_s": turn.wait_s,
        "prompt_tokens": turn.prompt_tokens,
        "cached_tokens": turn.cached_tokens,
        "completion_tokens": turn.completion_tokens,
        "prefill_tok_s": turn.prefill.value if turn.prefill else None,
        "prefill_source": turn.prefill.source if turn.prefill else None,
        "decode_tok_s": turn.decode.value if turn.decode else None,
        "decode_source": turn.decode.source if turn.decode else None,
        "client_decode_tok_s": turn.client_decode,
        "stopped": turn.stopped,
        "error": None
        if turn.failure is None
        else {
            "what": turn.failure.what,
            "cause": turn.failure.cause or None,
            "step": turn.failure.step or None,
            "detail": turn.failure.detail or None,
        },
    }

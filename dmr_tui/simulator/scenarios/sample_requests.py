"""The requests of a workflow's clients."""

import json
import random
from collections.abc import Callable
from typing import Any

from dmr_tui.simulator.connection import InferenceRequest

LANGCHAIN = "langchainjs-openai/1.0.0 ((node/v20.20.2; linux; x64))"
N8N = "n8n"
OPENAI_PYTHON = "OpenAI/Python 2.54.0"
CURL = "curl/8.14.1"

_RULES = (
    "Answer in the language of the customer.",
    "Never promise a refund; say that a colleague will look at it.",
    "Quote order numbers exactly as they are written.",
    "If a date is missing, ask for it before anything else.",
    "Use the tools only when the question cannot be answered from the conversation.",
    "Keep the tone friendly and short, without exclamation marks.",
    "Do not mention these rules, the tools or the name of the model.",
    "Amounts are in euros unless the message says otherwise.",
)
_SYSTEM = "You are the support agent of a shop for garden furniture.\n" + "\n".join(
    f"{number}. {rule}" for number, rule in enumerate(_RULES * 7, start=1)
)
_MAILS = (
    "My bench arrived with a scratch on the left arm, order 48213. What can you do?",
    "When will the parasol in green be available again? I need it before the holidays.",
    "I was charged twice for the same delivery. Please look at the invoice of 3 March.",
    "How do I treat teak before the winter? The description does not say.",
    "The table is wonderful. Could I have a second one delivered to another address?",
    "Your courier left the parcel in the rain and the cushions are wet.",
    "Please change the delivery address of order 50177 to Hamburg.",
    "Which of your chairs can be stacked and left outside all year?",
)
_SHORT = (
    "Classify the sentiment of this message: 'The parasol broke after two days.'",
    "Write a subject line for a reply to a customer whose delivery is late.",
    "Extract the order number: 'regarding 48213, nothing has happened since Monday'",
    "Translate into German: 'Your order has left our warehouse.'",
)
_QUESTIONS = (
    "Write a Python function that finds the longest words of a file.",
    "Explain quantization in a short table.",
    "Give me a SQL query for revenue per customer in the last three months.",
    "How would you build a workflow in n8n that summarises mails?",
    "What decides how large a context window should be?",
)
_PASSAGES = (
    "Teak is oiled twice a year; the oil keeps the colour and closes the pores.",
    "Cushions dry best upright and in the wind, not in the sun.",
    "Returns are free within thirty days, for bulky goods we send a carrier.",
    "The frames are powder-coated aluminium and do not rust.",
)


Make = Callable[[str, random.Random], InferenceRequest]
"""Makes one client's requests for the model that it calls by that name."""


def agent(model: str, rng: random.Random) -> InferenceRequest:
    """An n8n AI agent: a long fixed prompt, some history, streamed with usage."""
    history: list[dict[str, str]] = [{"role": "system", "content": _SYSTEM}]
    for mail in rng.sample(_MAILS, rng.randint(0, 2)):
        history.append({"role": "user", "content": mail})
        history.append({"role": "assistant", "content": "Thank you, I will look into it at once."})
    options = {"stream": True, "stream_options": {"include_usage": True}, "temperature": 0.7}
    return _chat(model, rng.choice(_MAILS), LANGCHAIN, history, **options)


def node(model: str, rng: random.Random) -> InferenceRequest:
    """n8n's HTTP Request node: short, whole, sometimes cut at its limit."""
    text, limit = rng.choice(_SHORT), rng.choice((24, 96, 160))
    return _chat(model, text, N8N, max_tokens=limit)


def script(model: str, rng: random.Random) -> InferenceRequest:
    """A program with OpenAI's Python SDK."""
    text = rng.choice(_QUESTIONS)
    if rng.random() < 0.3:
        wanted: dict[str, Any] = {"response_format": {"type": "json_object"}, "max_tokens": 200}
        return _chat(model, text, OPENAI_PYTHON, **wanted)
    return _chat(model, text, OPENAI_PYTHON, stream=True)


def curl(model: str, rng: random.Random) -> InferenceRequest:
    """A question by hand, with curl."""
    text = rng.choice(("hello", *_QUESTIONS))
    return _chat(model, text, CURL, max_tokens=64)


def too_long(model: str, rng: random.Random) -> InferenceRequest:
    """A document that does not fit into the context window."""
    text = f"Summarise: {' '.join(_PASSAGES * 700)}"
    return _chat(model, text, LANGCHAIN, stream=True)


def long_story(model: str, rng: random.Random) -> InferenceRequest:
    """A request that keeps the model busy for a while."""
    return _chat(model, rng.choice(_QUESTIONS), CURL, max_tokens=600, ignore_eos=True)


def indexer(model: str, rng: random.Random) -> InferenceRequest:
    """Embeddings of a few passages."""
    texts = rng.sample(_PASSAGES, rng.randint(1, 3))
    body = {"input": texts, "model": model, "encoding_format": "base64"}
    return _request("/engines/llama.cpp/v1/embeddings", body, OPENAI_PYTHON, "llama.cpp")


def document(model: str, text: str) -> InferenceRequest:
    """A whole document in one message."""
    return _chat(model, text, OPENAI_PYTHON)


def _chat(
    model: str,
    text: str,
    user_agent: str,
    history: list[dict[str, str]] | None = None,
    **options: Any,
) -> InferenceRequest:
    messages = [*(history or []), {"role": "user", "content": text}]
    body = {"model": model, "messages": messages, **options}
    return _request("/engines/v1/chat/completions", body, user_agent)


def _request(
    path: str, body: dict[str, Any], user_agent: str, backend: str | None = None
) -> InferenceRequest:
    headers = {"user-agent": user_agent}
    return InferenceRequest(path, json.dumps(body).encode(), backend, headers)

"""Who calls: the User-Agent and the API, as a name that a person knows."""

import re

_KNOWN = (
    ("langchainjs-openai/", "LangChain JS (n8n AI nodes)"),
    ("n8n", "n8n"),
    ("AsyncOpenAI/Python", "OpenAI Python"),
    ("OpenAI/Python", "OpenAI Python"),
    ("AsyncOpenAI/JS", "OpenAI JS"),
    ("OpenAI/JS", "OpenAI JS"),
    ("Anthropic/Python", "Anthropic Python"),
    ("AsyncAnthropic/Python", "Anthropic Python"),
    ("Anthropic/JS", "Anthropic JS"),
    ("ollama-python/", "Ollama Python"),
    ("ollama-js/", "Ollama JS"),
    ("litellm/", "LiteLLM"),
    ("docker-model-cli/", "docker model"),
    ("dmr-tui/", "dmr-tui"),
    ("curl/", "curl"),
    ("Mozilla/", "browser"),
)
_PRODUCT = re.compile(r"^[^\s/()]{1,40}")

N8N_LIMIT = 300.0
"""Seconds after which n8n gives up on an AI node's call, whatever its settings say."""


def caller_name(user_agent: str, api: str) -> str:
    """A name for the caller; without a User-Agent the API is all that is known."""
    for prefix, name in _KNOWN:
        if user_agent.startswith(prefix):
            return name
    match = _PRODUCT.match(user_agent)
    return match[0] if match else f"unnamed ({api})"


def time_limit(user_agent: str) -> float | None:
    """Seconds after which this caller is known to hang up; None if nothing is known."""
    known = user_agent.startswith(("langchainjs-openai/", "n8n"))
    return N8N_LIMIT if known else None

"""The name of a caller, by its User-Agent, the origin that it states, and the API."""

import re

# DMR itself writes these into X-Request-Origin; anything else was put there by the caller.
OWN_ORIGINS = frozenset({"ollama/completion", "anthropic/messages"})

# The SDKs send the name of their class, of which there is one for each way to wait and to log in.
_SDK = re.compile(r"(?:Async)?(?:Azure)?(OpenAI|Anthropic)/(Python|JS)(?= |$)")
_KNOWN = (
    ("langchainjs", "LangChain JS (n8n AI nodes)"),
    ("n8n", "n8n"),
    ("ollama-python", "Ollama Python"),
    ("ollama-js", "Ollama JS"),
    ("litellm", "LiteLLM"),
    ("docker-model-cli", "docker model"),
    ("dmr-tui", "dmr-tui"),
    ("curl", "curl"),
    ("Mozilla", "browser"),
)
_PRODUCT = re.compile(r"[^\s/()]{1,40}")
_LONGEST = 24

N8N_LIMIT = 300.0
"""Seconds after which n8n gives up: its AI nodes always, its HTTP node by default."""


def caller_name(user_agent: str, api: str, origin: str = "") -> str:
    """A name for the caller; if it states none, one by the API."""
    own_name = "" if origin in OWN_ORIGINS else " ".join(origin.split())[:40]
    if own_name:
        return own_name
    if match := _SDK.match(user_agent):
        return f"{match[1]} {match[2]}"
    for product, name in _KNOWN:
        if _is_product(product, user_agent):
            return name
    found = _PRODUCT.match(user_agent)
    return found[0] if found else _unnamed(api)


def time_limit(user_agent: str) -> float | None:
    """Seconds after which this caller is known to hang up; None if nothing is known."""
    known = _is_product("langchainjs", user_agent) or _is_product("n8n", user_agent)
    return N8N_LIMIT if known else None


def _is_product(product: str, user_agent: str) -> bool:
    """True if `user_agent` is that product or, for LangChain, one of its packages."""
    following = user_agent.removeprefix(product)
    if following == user_agent:
        return False
    return following[:1] in {"", "/", " "} or (product == "langchainjs" and following[0] == "-")


def _unnamed(api: str) -> str:
    # DMR turns a request of the Responses API into a chat of its own, which has no User-Agent; any
    # caller may leave it out as well.
    if api == "OpenAI chat":
        return "unnamed (Responses API?)"
    name = f"unnamed ({api.removeprefix('OpenAI ').removesuffix(' tokens')})"
    return name if len(name) <= _LONGEST else "unnamed"

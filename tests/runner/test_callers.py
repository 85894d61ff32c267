"""The names of callers, for every User-Agent that was recorded."""

import pytest

from dmr_tui.runner.records import N8N_LIMIT, caller_name, time_limit
from tests.recorded import client_records

LANGCHAIN = "LangChain JS (n8n AI nodes)"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("OpenAI/Python 2.54.0", "OpenAI Python"),
        ("AsyncOpenAI/Python 2.54.0", "OpenAI Python"),
        ("AsyncAzureOpenAI/Python 2.54.0", "OpenAI Python"),
        ("OpenAI/JS 6.49.0", "OpenAI JS"),
        ("AsyncOpenAI/JS 6.49.0", "OpenAI JS"),
        ("Anthropic/Python 2.12.0", "Anthropic Python"),
        ("AsyncAnthropic/Python 2.12.0", "Anthropic Python"),
        ("Anthropic/JS 0.60.0", "Anthropic JS"),
        ("OpenAI/Pythonic 1", "OpenAI"),
        ("langchainjs-openai/1.0.0 ((node/v20.20.2; linux; x64))", LANGCHAIN),
        ("langchainjs-azure-openai/1.0.0 ((node/v20.20.2; linux; x64))", LANGCHAIN),
        ("n8n", "n8n"),
        ("n8n-nodes-mine/1.0", "n8n-nodes-mine"),
        ("ollama-python/0.6.3 (x86_64 linux) Python/3.11.7", "Ollama Python"),
        ("ollama-js/0.6.0 (x64 linux) Node.js/v20.20.2", "Ollama JS"),
        ("ollama/0.12.0 (amd64 linux) Go/go1.24.1", "ollama"),
        ("litellm/1.106.2", "LiteLLM"),
        ("docker-model-cli/v1.2.6", "docker model"),
        ("dmr-tui/0.2", "dmr-tui"),
        ("curl/7.88.1", "curl"),
        ("curlew/1", "curlew"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "browser"),
        ("my-service/3.1 (linux)", "my-service"),
        ("x" * 100, "x" * 40),
    ],
)
def test_user_agents_have_names(agent: str, name: str) -> None:
    assert caller_name(agent, "OpenAI chat") == name


@pytest.mark.parametrize(
    ("api", "name"),
    [
        ("OpenAI chat", "unnamed (Responses API?)"),
        ("OpenAI completion", "unnamed (completion)"),
        ("Ollama", "unnamed (Ollama)"),
        ("Anthropic", "unnamed (Anthropic)"),
        ("Anthropic tokens", "unnamed (Anthropic)"),
        ("embeddings", "unnamed (embeddings)"),
        ("rerank", "unnamed (rerank)"),
        ("/engines/llama.cpp/v1/what/is/this", "unnamed"),
        ("unknown", "unnamed (unknown)"),
    ],
)
def test_without_a_user_agent_the_api_is_named(api: str, name: str) -> None:
    assert caller_name("", api) == name
    assert len(name) <= 24


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("", "curl"),
        ("my-app", "my-app"),
        ("  my \n app ", "my app"),
        ("a" * 100, "a" * 40),
        ("ollama/completion", "curl"),
        ("anthropic/messages", "curl"),
        ("ollama/mine", "ollama/mine"),
        ("  ", "curl"),
    ],
)
def test_a_caller_may_name_itself(origin: str, name: str) -> None:
    assert caller_name("curl/7.88.1", "OpenAI chat", origin) == name


@pytest.mark.parametrize(
    ("agent", "limit"),
    [
        ("langchainjs-openai/1.0.0 ((node/v20.20.2; linux; x64))", N8N_LIMIT),
        ("n8n", N8N_LIMIT),
        ("n8n-nodes-mine/1.0", None),
        ("OpenAI/JS 6.49.0", None),
        ("", None),
    ],
)
def test_only_n8n_is_known_for_a_limit(agent: str, limit: float | None) -> None:
    assert time_limit(agent) == limit


def test_the_recorded_clients_have_their_names() -> None:
    found = set()
    for what, record in client_records():
        agent, origin = record.get("user_agent", ""), record.get("origin", "")
        found.add((what.split(":")[0], caller_name(agent, "OpenAI chat", origin)))
    unnamed = "unnamed (Responses API?)"
    assert found == {
        ("behaviours", "OpenAI Python"),
        ("parallel", "OpenAI Python"),
        ("curl", "curl"),
        ("curl", "my-app"),
        ("curl", unnamed),
        ("dmr-cli", "docker model"),
        ("langchain-openai-js", LANGCHAIN),
        ("langchain-openai-js", unnamed),
        ("litellm", "OpenAI Python"),
        ("litellm", "LiteLLM"),
        ("ollama-python", "Ollama Python"),
        ("openai-js", "OpenAI JS"),
        ("openai-js", unnamed),
        ("openai-python", "OpenAI Python"),
        ("openai-python", unnamed),
        ("tool-calls", "Anthropic Python"),
        ("tool-calls", "OpenAI Python"),
    }

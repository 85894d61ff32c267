"""The words of the simulated models: answers to common first questions, paragraphs to mix."""

import random
import re
from collections.abc import Iterator

_KNOWN: tuple[tuple[str, str], ...] = (
    (
        r"kv[ -]?cache",
        "A **KV cache** keeps the attention keys and values of every token that the model has "
        "already read, so that each new token needs one small step instead of a pass over the "
        "whole text. It grows with the context window: layers × KV heads × head size × 2 values "
        "a token, which is why a long context can need more memory than the weights.\n",
    ),
    (
        r"quantiz|quantis|q4_k",
        "**Quantization** stores the weights with fewer bits.\n\n"
        "| Type | Bits a weight | 8 B model | Loss |\n"
        "|---|---|---|---|\n"
        "| F16 | 16 | 16 GB | none |\n"
        "| Q8_0 | 8.5 | 8.5 GB | hardly measurable |\n"
        "| Q4_K_M | 4.8 | 4.9 GB | small, the usual choice |\n"
        "| Q2_K | 2.6 | 3.2 GB | visible |\n\n"
        "Decode reads every weight once a token, so half the bytes is nearly twice the speed.\n",
    ),
    (
        r"context (window|size|length)|ctx",
        "The **context window** is everything that the model can see at once: system prompt, "
        "history, tools, your question *and* the answer.\n\n"
        "1. Memory grows with it, because the KV cache holds every token of it.\n"
        "2. Prefill takes longer, because all of it is read before the first token.\n"
        "3. Decode slows down a little with every token that is in it.\n\n"
        "Take the smallest window that your workflow really fills.\n",
    ),
    (
        r"n8n|workflow|webhook",
        "Here is a workflow that stays inside the 300 seconds that n8n allows:\n\n"
        "1. **Webhook**: take the payload, answer at once with `202`.\n"
        "2. **Split in batches**: 5 items at a time, so that one slot is enough.\n"
        "3. **AI Agent**: a short system prompt first, the changing part last, so that the "
        "prompt cache can be used.\n"
        "4. **Set**: keep `summary` and `sentiment`, drop the rest.\n\n"
        "```json\n"
        '{\n  "model": "ai/qwen3:8B-Q4_K_M",\n  "max_tokens": 256,\n  "temperature": 0.2\n}\n'
        "```\n\n"
        "Preload the model with a schedule trigger, then the first item does not wait for it.\n",
    ),
    (
        r"python|function|code|script|regex",
        "```python\n"
        "from collections import Counter\n"
        "from pathlib import Path\n\n\n"
        "def longest_words(path: Path, count: int = 10) -> list[tuple[str, int]]:\n"
        '    """The words of a file by length, each with how often it is there."""\n'
        "    words = Counter(path.read_text(encoding='utf-8').lower().split())\n"
        "    return sorted(words.items(), key=lambda item: (-len(item[0]), item[0]))[:count]\n"
        "```\n\n"
        "`Counter` reads the text once; the sort key puts long words first and breaks ties by "
        "the alphabet, so the result is the same on every machine.\n",
    ),
    (
        r"\bsql\b|query|database",
        "```sql\n"
        "SELECT c.name, count(*) AS orders, sum(o.total) AS revenue\n"
        "FROM customers AS c\n"
        "JOIN orders AS o ON o.customer_id = c.id\n"
        "WHERE o.created_at >= date_trunc('month', now()) - interval '3 months'\n"
        "GROUP BY c.name\n"
        "HAVING sum(o.total) > 1000\n"
        "ORDER BY revenue DESC\n"
        "LIMIT 20;\n"
        "```\n\n"
        "An index on `orders (created_at, customer_id)` turns the scan into a range read.\n",
    ),
    (
        r"haiku|poem",
        "*fans begin to hum,*\n*one word follows another:*\n*the cache remembers*\n",
    ),
    (
        r"^\W*(hi|hello|hey|ping|test|hallo|say hello)\b",
        "Hello! I am running on your own machine. What shall we look at?\n",
    ),
    (
        r"docker|container|compose",
        "```yaml\n"
        "services:\n"
        "  app:\n"
        "    build: .\n"
        "    models:\n"
        "      - llm\n\n"
        "models:\n"
        "  llm:\n"
        "    model: ai/qwen3:8B-Q4_K_M\n"
        "    context_size: 8192\n"
        "```\n\n"
        "Compose loads the model when the service starts and hands its address over in "
        "`LLM_URL`. No port has to be published for that.\n",
    ),
)

_OPENINGS = (
    "The short answer first: it depends on **{subject}** more than on anything else.",
    "Three things matter about {subject}, and they pull in different directions.",
    "Let us take {subject} apart, one step at a time.",
    "In practice {subject} comes down to a few decisions that are easy to check.",
)
_PARAGRAPHS = (
    "Most of the time goes into moving data, not into computing. Once the weights are in memory, "
    "every token costs one pass over them, so bandwidth sets the ceiling and everything else "
    "decides how close you come to it.",
    "A smaller batch answers sooner, a larger one does more work in an hour. Measure both with "
    "the traffic that you really have; a benchmark with one long prompt tells you little about "
    "twenty short ones.",
    "Look at the slowest part before you change anything. If the first word is late, the prompt "
    "is long or the model was not loaded; if the words come slowly, the model is too large for "
    "the memory it runs in.",
    "It helps to write the expectation down: which input, which output, how long it may take. "
    "Then a change is either better or it is not, and nobody has to argue about it.",
    "Errors deserve the same care as results. A call that ends early because a limit was reached "
    "looks like success to the next step, unless something checks how it ended.",
)
_POINTS = (
    "**Keep the prefix stable.** What does not change goes first, so the cache can be used.",
    "**Set a limit.** An answer without one may run to the end of the context window.",
    "**Watch the memory.** Weights are only half of it, the cache is the other half.",
    "**Retry with care.** Three attempts at once are three times the load.",
    "**Log the finish reason.** `length` and `stop` are different outcomes.",
    "**Warm up once.** The first call after a load is not a measurement.",
    "**Name your client.** A user agent of your own makes the traffic readable.",
)
_CLOSINGS = (
    "If you tell me which of these hurts most, I can be more specific about {subject}.",
    "Start with the first point; the others matter only once it holds.",
    "That covers the common cases of {subject}. The rare ones need a measurement.",
)
_THOUGHTS = (
    "Okay, the user is asking about {subject}.",
    "Let me think about what they really need here.",
    "They probably want something practical rather than theory.",
    "I should mention the main trade-off and then give a concrete recommendation.",
    "An example would help, but it should stay short.",
    "Wait, I should check that the numbers agree with each other.",
    "I will answer in a compact form.",
)
_WORD = re.compile(r"[^\W\d_]{4,}")
_DULL = {"about", "this", "that", "what", "which", "with", "from", "your", "please", "would"}


def known_answer(question: str) -> str:
    """The complete answer that is ready for `question`; empty if there is none."""
    return next((text for pattern, text in _KNOWN if re.search(pattern, question, re.I)), "")


def essay(question: str, rng: random.Random) -> Iterator[str]:
    """Markdown in pieces, without an end: take as much as you want."""
    while True:
        subject = _subject(question, rng)
        yield rng.choice(_OPENINGS).format(subject=subject) + "\n\n"
        yield rng.choice(_PARAGRAPHS) + "\n\n"
        for point in rng.sample(_POINTS, rng.randint(3, 5)):
            yield f"- {point}\n"
        yield f"\n{rng.choice(_PARAGRAPHS)}\n\n"
        yield rng.choice(_CLOSINGS).format(subject=subject) + "\n\n"


def thoughts(question: str, rng: random.Random) -> str:
    """The reasoning before the answer."""
    chosen = _THOUGHTS[: rng.randint(3, len(_THOUGHTS))]
    return " ".join(chosen).format(subject=_subject(question, rng)) + "\n"


def _subject(question: str, rng: random.Random) -> str:
    words = [word.lower() for word in _WORD.findall(question[:2000])]
    telling = sorted({word for word in words if word not in _DULL}, key=lambda w: (-len(w), w))
    return rng.choice(telling[:3]) if telling else "the question"

"""A recorded request: its bodies, and the prompt that sends it once more."""

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from dmr_tui.measure.meter import Turn
from dmr_tui.monitor.actions.chat import Again, Ask
from dmr_tui.monitor.archive.writer import ArchiveWriter
from dmr_tui.monitor.runner_monitor import RunnerMonitor
from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.decoding import UNREADABLE
from dmr_tui.runner.errors.explain import Explanation, explain
from dmr_tui.runner.errors.failures import RunnerError
from dmr_tui.runner.request import Request
from dmr_tui.runner.wire import shallow
from dmr_tui.state.replies import Bodies

CUT_MEDIA = "...[truncated "
"""The recorder's mark in place of the rest of an image or a sound."""
DEEPEST = 200
"""Lists and objects in one another, in a body that is shown or sent again."""

Texts = tuple[tuple[str, str] | None, Literal["runner", "archive"]]
"""Request and response, if there are any, and who had them."""


async def recorded_texts(
    client: RunnerClient, archive: ArchiveWriter | None, request: Request
) -> Texts:
    """Return request and response as the runner still has them, else as they were archived.

    Raises RunnerError.
    """
    groups, _ = await client.requests(request.digest)
    for group in groups:
        for record in group.records or ():
            if record.id == request.id:
                return (record.request, record.response), "runner"
    if archive is None:
        return None, "runner"
    return await archive.archived_bodies(client.endpoint.label, request.id), "archive"


async def find_bodies(
    client: RunnerClient | None, archive: ArchiveWriter | None, request: Request
) -> Bodies:
    """Return prompt and answer of a request, or why there is none."""
    gone = Bodies(request.id, failure=GONE)
    if client is None:
        return gone
    try:
        texts, source = await recorded_texts(client, archive, request)
    except RunnerError as error:
        return Bodies(request.id, failure=explain(error, request.model))
    return gone if texts is None else read_bodies(request, texts, source)


def read_bodies(
    request: Request, texts: tuple[str, str], source: Literal["runner", "archive"]
) -> Bodies:
    """Prompt and answer in the form in which people read them."""
    asked, answered = texts
    body = _decoded(asked)
    prompt = list(_messages(body)) if isinstance(body, dict) else [("body", asked)]
    answer, reasoning = _answer(_decoded(answered), answered)
    return Bodies(request.id, tuple(prompt), answer, reasoning, source)


GONE = Explanation(
    "Prompt and answer of this call are gone",
    "The runner keeps the last ten calls of each loaded model, and dmr-tui keeps no texts.",
    "To keep them from now on: archive_bodies = true in the settings file.",
)


class Replay(Ask):
    """A recorded request, sent again."""

    def __init__(
        self,
        runner: RunnerMonitor,
        archive: ArchiveWriter | None,
        request: Request,
        model: str,
        publish: Callable[[Turn], None],
        kick: Callable[[], None],
    ) -> None:
        """`kick` is called when the request is about to be sent."""
        super().__init__(runner.client, runner.installed, Again(model, {}), publish)
        self._archive = archive
        self._request = request
        self._kick = kick

    async def _refusal(self) -> Explanation | None:
        """Look for what was recorded; return why it cannot be sent."""
        model = self._prompt.model
        try:
            texts, _ = await recorded_texts(self._client, self._archive, self._request)
        except RunnerError as error:
            return explain(error, model)
        if (why := refusal(texts)) is not None or texts is None:
            return why
        self._prompt = Again(model, _decoded(texts[0]))
        self._kick()
        return await super()._refusal()


def refusal(texts: tuple[str, str] | None) -> Explanation | None:
    """Return why a recorded request cannot be sent again; None if it can."""
    if texts is None:
        return GONE
    body = _decoded(texts[0])
    if not isinstance(body, dict) or not isinstance(body.get("messages"), list):
        return Explanation("Only chats can be sent again", "This call holds no messages.", "")
    if CUT_MEDIA in texts[0]:
        return Explanation(
            "This call cannot be sent again",
            "It holds an image or a sound, of which the runner keeps the first 100 characters.",
        )
    return None


def _decoded(text: str) -> Any:
    try:
        # As it is, with every number: it may be sent again.
        body = msgspec.json.decode(text)
        shallow(body, deepest=DEEPEST)
        return body
    except UNREADABLE:
        return None


def _messages(body: dict[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name in ("system", "instructions"):
        if body.get(name):
            found.append((name, _text(body[name])))
    messages = body.get("messages")
    for message in messages if isinstance(messages, list) else ():
        if not isinstance(message, dict):
            found.append(("message", _text(message)))
            continue
        text = _text(message.get("content"))
        if message.get("tool_calls"):
            text += f"\n{_text(message['tool_calls'])}" if text else _text(message["tool_calls"])
        found.append((str(message.get("role", "message")), text))
    for name in ("prompt", "input", "query", "documents"):
        if name in body:
            found.append((name, _text(body[name])))
    return found


def _text(content: Any) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and all(isinstance(part, dict) for part in content):
        return "\n".join(
            str(part["text"]) if isinstance(part.get("text"), str) else _json(part)
            for part in content
        )
    return _json(content)


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _answer(body: Any, text: str) -> tuple[str, str]:
    """The text of an answer, and what the model thought before it."""
    if not isinstance(body, dict):
        return text, ""
    choices = body.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        choice = choices[0]
        message = choice.get("message")
        if not isinstance(message, dict):
            return _text(choice.get("text")), ""
        said = _text(message.get("content"))
        if message.get("tool_calls"):
            said = "\n".join(filter(None, (said, _json(message["tool_calls"]))))
        return said, _text(message.get("reasoning_content") or message.get("reasoning"))
    if isinstance(body.get("content"), list):
        return _text(body["content"]), ""
    return _json(body), ""

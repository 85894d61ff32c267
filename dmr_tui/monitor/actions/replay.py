"""One call again: its bodies as the runner recorded them, and the prompt to send it once more."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from dmr_tui.measure.meter import Turn
from dmr_tui.monitor.actions.chat import Ask
from dmr_tui.runner.errors.explain import Explanation, explain
from dmr_tui.runner.errors.failures import RunnerError
from dmr_tui.runner.request import Request
from dmr_tui.state.prompt import EXTRAS
from dmr_tui.state.replies import Bodies

if TYPE_CHECKING:
    from dmr_tui.monitor.poller import Poller

CUT_MEDIA = "...[truncated "
"""What the recorder writes in place of the rest of an image or a sound."""

Texts = tuple[tuple[str, str] | None, Literal["runner", "archive"]]
"""Request and response, if there are any, and who had them."""


@dataclass(frozen=True, slots=True)
class Again:
    """A recorded chat, to be sent to a model once more."""

    model: str
    recorded: dict[str, Any]

    def body(self, *, extras: bool = True) -> dict[str, Any]:
        """The recorded JSON; streamed, so that it can be measured."""
        streamed = {"stream": True, "stream_options": {"include_usage": True}}
        return self.recorded | {"model": self.model} | streamed | (EXTRAS if extras else {})


async def recorded_texts(poller: "Poller", request: Request) -> Texts:
    """Request and response as the runner still has them, else as they were archived.

    Raises RunnerError.
    """
    if poller.watch is None:
        return None, "runner"
    client, writer = poller.watch.client, poller.request_log.writer
    groups, _ = await client.requests(request.digest)
    for group in groups:
        for record in group.records or ():
            if record.id == request.id:
                return (record.request, record.response), "runner"
    if writer is None:
        return None, "runner"
    return await writer.archived_bodies(client.endpoint.label, request.id), "archive"


async def tell_bodies(
    poller: "Poller", request: Request, publish: Callable[[Bodies], None]
) -> None:
    """Publish prompt and answer of a call, or why there is none."""
    try:
        texts, source = await recorded_texts(poller, request)
    except RunnerError as error:
        publish(Bodies(request.id, failure=explain(error, request.model)))
        return
    if texts is None:
        publish(Bodies(request.id, failure=GONE))
    else:
        publish(read_bodies(request, texts, source))


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


class Replay:
    """A recorded call under way once more; `run` happens on one event loop, as does `stop`."""

    def __init__(self, request: Request, model: str, publish: Callable[[Turn], None]) -> None:
        """`publish` gets the answer as of a chat; the last Turn has `ended`."""
        self.request = request
        self.model = model
        self._publish = publish
        self._ask: Ask | None = None
        self._stopped = False

    def stop(self) -> None:
        """End it now."""
        self._stopped = True
        if self._ask is not None:
            self._ask.stop()

    def fail(self, why: Explanation) -> None:
        """It cannot be done."""
        self._publish(Turn(self.model, ended=True, failure=why))

    async def run(self, poller: "Poller") -> None:
        """Send what was recorded, or say why that cannot be done."""
        watch = poller.watch
        if watch is None:
            self.fail(Explanation("No runner to ask", "", "Nothing was sent."))
            return
        try:
            texts, _ = await recorded_texts(poller, self.request)
        except RunnerError as error:
            self.fail(explain(error, self.model))
            return
        why = refusal(texts)
        if texts is None or why is not None:
            self.fail(why or GONE)
            return
        again = Again(self.model, _decoded(texts[0]))
        self._ask = Ask(watch.client, watch.installed, again, self._publish)
        if self._stopped:
            self._ask.stop()
        poller.kick()
        await self._ask.run()


def refusal(texts: tuple[str, str] | None) -> Explanation | None:
    """Why a recorded call cannot be sent again; None if it can."""
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
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError):
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

"""The known error texts of DMR, its engines and its callers: one row for each."""

from dmr_tui.runner.errors.failures import (
    BadAnswer,
    BrokenOff,
    NotARunner,
    ReadOnly,
    RunnerError,
    TimedOut,
    Unreachable,
)
from dmr_tui.runner.errors.load_errors import LOAD_ROWS, LOG, UPDATE
from dmr_tui.runner.errors.row import Row

ENABLE_ON_DESKTOP = "docker desktop enable model-runner --tcp 12434"
INSTALL_ON_LINUX = "sudo apt-get install docker-model-plugin"
_PORTS = "netsh int ipv4 show excludedportrange protocol=tcp"

_UNREACHABLE = Row(
    r"connection refused|\bECONNREFUSED\b|Docker Model Runner is not running",
    "unreachable",
    "The runner does not answer",
    "It is off, or on Docker Desktop its TCP access is off.",
    f"Desktop: {ENABLE_ON_DESKTOP}",
)

_REQUEST_ROWS: tuple[Row, ...] = (
    Row(
        r"exceeds? the available context size|exceed_context_size_error"
        r"|maximum context length is \d+ tokens|Context size has been exceeded",
        "context overflow",
        "The prompt does not fit into the context window of {model}",
        "Instructions, tools and earlier turns count as well.",
        "Shorten it, or raise --context-size with docker model configure.",
    ),
    Row(
        r"input (?:\(\d+ tokens\) )?is too large to process",
        "context overflow",
        "The text is longer than what {model} takes in one piece",
        "Embeddings and rankings have to fit into one batch of the engine.",
        "Split it, or: docker model configure {name} -- --ubatch-size 2048",
    ),
    Row(
        # DMR's answer to a pull; to a request with an unknown name it is "model not found".
        r"(?-i:^Model not found$)",
        "model missing",
        "{model} was not found where it should come from",
        "Its name or tag is wrong, or it is private.",
        "Look for the name: docker model search",
    ),
    Row(
        r"\bmodel not found\b|not found locally|Unable to find model '",
        "model missing",
        "{model} is not installed",
        "The name or its tag differs from what is installed, or it was never pulled.",
        "docker model pull {name}",
    ),
    Row(
        r"unauthorized access to model|^Unauthorized$"
        r"|(?:pull|push) access denied|no basic auth credentials",
        "refused",
        "The registry does not hand out {model}",
        "It is private or gated, or it does not exist.",
        "Log in with docker login; for Hugging Face set HF_TOKEN.",
    ),
    Row(
        r"(?:pulling|remote|pushing) model.{0,400}"
        r"(?:dial tcp|no such host|i/o timeout|TLS handshake)",
        "unreachable",
        "The registry of {model} cannot be reached",
        "The network is down, or a proxy or firewall is in between.",
        "Check the network and Docker's proxy settings.",
    ),
    Row(
        r"\bUND_ERR_(?:HEADERS|BODY)_TIMEOUT\b|Headers Timeout Error|timeout of \d{1,9}ms exceeded"
        r"|^Request timed out\.?$",
        "timed out",
        "The caller gave up waiting for the answer",
        "The limit is the caller's, not DMR's: n8n's AI nodes hang up after 300 s, come what may.",
        "Keep the model loaded, and ask for less at once; keep_alive is no time limit.",
    ),
    Row(
        r"^Loading model$|unavailable_error|backend installer not started",
        "loading",
        "The engine is still loading the model",
        "This is a cold start, not a failure: the first call after a pause loads it.",
        "Try again soon, or load it before: docker model run --detach {name}",
    ),
    Row(
        r"(?:image|audio|video) input is not supported|must provide the mmproj",
        "wrong kind of model",
        "{model} reads text only",
        "It has no projector (mmproj): it is a text model, or was packaged without one.",
        "Choose a vision model, or pull this one again.",
    ),
    Row(
        r"does not support (?:chat|tools|thinking|embeddings?|completions?|generate|rerank)"
        r"|is not OAI compatible|only supports (?:embeddings|image-generation)"
        r"|mode not supported by|unsupported backend mode",
        "wrong kind of model",
        "{model} cannot do this kind of call",
        "Embedding models do not chat, chat models make no embeddings, few models rank.",
        "Choose a model that is made for it.",
    ),
    Row(
        r"by Docker Model Runner Responses compatibility layer",
        "bad request",
        "DMR's Responses API does not have what the call asks for",
        "{said}",
        "Use Chat Completions; in n8n, switch off Responses API in the Chat Model.",
    ),
    Row(
        r"\bmodel is required|Missing required field: model",
        "bad request",
        "The call names no model",
        "",
        "Put a name from docker model ls into its field model.",
    ),
    Row(
        r"request too large|Request body too large",
        "bad request",
        "The call is larger than DMR takes",
        "It takes up to 10 MiB; images inside the prompt are what is large.",
        "Send smaller or fewer images.",
    ),
    Row(
        r"^invalid request|Invalid JSON|json\.exception\.parse_error|unknown request path",
        "bad request",
        "The runner did not understand the call",
        "Its body is not the JSON that this address expects.",
        "Check what the caller sends, and the path that it uses.",
    ),
    Row(
        r"runtime flag \S{1,80} is not allowed|invalid (?:runtime )?flags? \S{1,200}: ",
        "bad request",
        "The runner does not allow one of these runtime flags",
        "{said}",
        "Leave it out; paths are never allowed in flags.",
    ),
    Row(
        r"failed to parse grammar|JSON schema conversion failed|roles must alternate"
        r"|chat template is (?:no longer allowed|not supported)|Jinja Exception",
        "bad request",
        "The engine cannot turn the call into a prompt",
        "{said}",
        "Check the order of the messages, the tools, and the JSON schema.",
    ),
    Row(
        r"^Field '|json\.exception\.|invalid_request_error|must be between",
        "bad request",
        "The engine refuses a parameter of the call",
        "{said}",
        "Correct or leave out that parameter in the caller.",
    ),
    Row(
        r"invalid (?:model )?reference",
        "bad request",
        "This is not a name that a model can have",
        "Names look like ai/gemma3:4B or hf.co/owner/model:Q4_K_M.",
    ),
    Row(
        r"runner already active",
        "busy",
        "The model is busy, so its configuration cannot change",
        "It is answering a call.",
        "Wait until it is idle.",
    ),
    Row(
        r"resource conflict",
        "busy",
        "{model} has several names, so its weights stay",
        "Deleting by id would take all of them away.",
        "Delete one name at a time, or force it: docker model rm --force",
    ),
    Row(
        r"origin not allowed",
        "refused",
        "The runner refuses calls that come from a web page",
        "The page's address is not among its allowed origins.",
        "Add it to DMR_ORIGINS, or in Docker Desktop to the CORS allowed origins.",
    ),
    Row(
        r"model (?:distribution|registry) service unavailable|^model unavailable$",
        "failed",
        "The runner cannot read its store of models",
        "The disk is full, or the store is damaged or not permitted.",
        LOG,
    ),
    Row(
        r"backend loading disabled|^service unavailable$|installer shutting down",
        "busy",
        "The runner is shutting down",
        "It was stopped, or is being updated.",
        "Wait until it is back.",
    ),
    Row(
        r"no space left on device|not enough space on the disk",
        "failed",
        "The disk is full",
        "Models are large, and all of them stay until they are deleted.",
        "See what takes the room: docker model df",
    ),
    Row(
        r"background model preload failed",
        "failed",
        "Loading {model} in the background failed",
        "{said}",
        LOG,
    ),
    Row(
        r"page not found|^not found$",
        "bad request",
        "The runner does not know this call",
        "It is an old version, or Docker Model Runner is off behind that address.",
        UPDATE,
    ),
    _UNREACHABLE,
    Row(
        r"Empty reply from server|closed without an answer|socket hang up",
        "unreachable",
        "Something took the call and closed it without an answer",
        "The runner is starting, or Windows keeps the port for itself.",
        f"Try again, then another port; on Windows look at: {_PORTS}",
    ),
    Row(
        r"no permission to use the socket|permission denied.{0,80}docker\.sock",
        "unreachable",
        "The runner's socket may not be used",
        "This user is not in the group docker.",
        "sudo usermod -aG docker $USER, then log in again; or use its TCP address.",
    ),
    Row(
        r"no such host name|could not resolve host|\bENOTFOUND\b",
        "unreachable",
        "There is no machine of that name",
        "model-runner.docker.internal is known inside containers only.",
        "From this machine use localhost:12434.",
    ),
    # The recorder writes these two words for an answer without a body. 502 is how the runner ends
    # a request whose caller hung up; with 500 it waited for the engine in vain.
    Row(
        r"^unknown error$",
        "client left",
        "The caller hung up before the answer was complete",
        "It timed out, was stopped or was killed; DMR records that as 502, or as 408.",
        "Give the caller more time, or ask for less at once.",
        {408, 502},
    ),
    Row(r"^$", "client left", "The caller hung up before the answer", statuses={408}),
    Row(
        r"^unknown error$|^$",
        "engine died",
        "The engine broke off without a word",
        "It crashed or was killed, often for memory.",
        LOG,
        {500, 502},
    ),
    Row(
        r"",
        "refused",
        "The runner refuses the call",
        "Something in front of it asks for a login.",
        "Check the address, and any proxy in between.",
        {401, 403},
    ),
    Row(
        r"", "bad request", "The runner does not know this call", "It is an old version.", "", {404}
    ),
    Row(
        r"",
        "loading",
        "The engine is still loading the model",
        "This is a cold start, not a failure.",
        "Try again soon.",
        {503},
    ),
    Row(r"", "timed out", "Something before the runner gave up waiting", statuses={504}),
)

# The first row that matches wins. A dump of an engine holds the cause and, after it, what followed
# from it, so the rows about loading come first and end with the ones that say least.
TABLE = LOAD_ROWS + _REQUEST_ROWS

BY_CLASS: dict[type[RunnerError], Row] = {
    Unreachable: _UNREACHABLE,
    TimedOut: Row(
        r"",
        "timed out",
        "The runner took the call and did not answer in time",
        "It is paused, or the machine is busy or out of memory.",
        "Look at the container and at memory pressure.",
    ),
    BrokenOff: Row(
        r"",
        "engine died",
        "The answer broke off in the middle",
        "The engine crashed or was killed, often for memory, or the runner was restarted.",
        f"Its log says which: {LOG}",
    ),
    NotARunner: Row(
        r"",
        "unreachable",
        "What answers there is not Docker Model Runner",
        "Another program has the port.",
        "Name the right address with --host.",
    ),
    BadAnswer: Row(
        r"",
        "failed",
        "The runner's answer cannot be read",
        "It is a version that speaks differently, or a proxy in between.",
    ),
    ReadOnly: Row(
        r"",
        "refused",
        "Read-only mode: nothing was sent",
        "",
        "Start without --read-only to send prompts.",
    ),
}

"""Errors in plain words: each row of the table with the text that it was written for."""

import json

import msgspec
import pytest

from dmr_tui.runner.errors import explain as explaining
from dmr_tui.runner.errors.explain import (
    HALF,
    Explanation,
    explain,
    explain_line,
    explain_text,
    telling_line,
)
from dmr_tui.runner.errors.failures import (
    BadAnswer,
    BadCertificates,
    BrokenOff,
    NotARunner,
    ReadOnly,
    Rejected,
    RunnerError,
    TimedOut,
    Unreachable,
)
from dmr_tui.runner.errors.row import Kind, Row
from dmr_tui.runner.errors.table import BY_CLASS, TABLE
from tests.recorded import FOLDER, client_records, recorded

LOADING = "unable to load runner: error waiting for runner to be ready: "
DIED = f"{LOADING}llama.cpp terminated unexpectedly: "
STAMP = "[2026-11-22T22:40:23.947417543Z] time=2026-11-22T22:40:23.947Z level=WARN "

# docker/model-runner#724: the tail of the dump is out of order, the reason is in its first line.
UNKNOWN_ARCHITECTURE = f"""{DIED}llama.cpp failed: \
llama_model_load: error loading model: error loading model architecture: \
unknown model architecture: 'qwen35'
llama_model_load_from_file_impl: failed to load model
common_init_from_params: failed to load model '/models/bundles/sha256/387d/model/model.gguf'
srv    load_model: failed to load model, '/models/bundles/sha256/387d/model/model.gguf'
srv    operator(): operator(): cleaning up before exit...
main: exiting due to model loading error
        quantize.imatrix.chunks_count u32              = 80
print_info: file size   = 497.39 MiB (5.55 BPW)
"""

# docker/model-runner#959
UNKNOWN_PROJECTOR = f"""{DIED}llama.cpp failed: failed to load model

Verbose output:
clip_ctx: CLIP using Vulkan0 backend
clip_init: failed to load model '/models/bundles/sha256/57ee/model/model.mmproj': \
load_hparams: unknown projector type: gemma4uv

mtmd_init_from_file: error: Failed to load CLIP model from /models/57ee/model/model.mmproj
main: exiting due to model loading error
"""

# docker/model-runner#964: nothing but the stack of the crash in the projector's loader.
PROJECTOR_CRASH = f"""{DIED}llama.cpp failed: \
7   libmtmd.0.0.1.dylib   0x00000001003961f8 _ZN17clip_model_loader6warmupER8clip_ctx + 348
8   libmtmd.0.0.1.dylib   0x00000001003856d8 _Z9clip_initPKc19clip_context_params + 320
"""

# docker/model-runner#1014
NEW_OOM = f"""{DIED}llama.cpp failed: not enough GPU memory to load the model (CUDA)

Verbose output:
0.01.795.624 E ggml_backend_cuda_buffer_type_alloc_buffer: allocating 7010.14 MiB on device 0: \
cudaMalloc failed: out of memory
0.01.795.630 E alloc_tensor_range: failed to allocate CUDA0 buffer of size 7350663424
0.02.003.518 E llama_model_load: error loading model: unable to allocate CUDA0 buffer
0.02.003.524 E llama_model_load_from_file_impl: failed to load model
"""

# docker/desktop-feedback#213: a dump that never says what went wrong.
SILENT_DUMP = f"""{DIED}llama.cpp failed:
print_info: rope_yarn_log_mul     = 0.0000
print_info: rope_finetuned        = unknown
print_info: general.name          = SmolLM2 360M Instruct
print_info: EOG token             = 4 '<reponame>'
"""

FORK = "fork/exec C:\\Users\\Olivier\\.docker\\bin\\inference\\"

# Text of an answer, its status, kind and what happened; the thread where it stood, if not a
# recording or DMR's own source.
ANSWERS: list[tuple[int, str, Kind, str]] = [
    # docker/desktop-feedback#188, without the numbers of its fields
    (400, "request (4139 tokens) exceeds the available context size (4096 tokens), try "
     "increasing it", "context overflow", "The prompt has 4,139 tokens, the context window only"),
    # acon96/home-llm#308
    (500, "the request exceeds the available context size. try increasing the context size or "
     "enable context shift", "context overflow", "does not fit into the context window of x"),
    (400, "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens",
     "context overflow", "does not fit into the context window of x"),
    (500, "input (700 tokens) is too large to process. increase the physical batch size "
     "(current batch size: 512)", "context overflow", "longer than what x takes in one piece"),
    (500, NEW_OOM, "out of memory", "x does not fit into GPU memory"),
    # docker/model-runner#709 and #479
    (500, f"{LOADING}alloc_tensor_range: failed to allocate CUDA0 buffer of size 7350663424",
     "out of memory", "x does not fit into GPU memory"),
    (500, "failed to allocate buffer, size = 4096.00 MiB", "out of memory", "into GPU memory"),
    (500, "CUDA out of memory. Tried to allocate 2.00 GiB", "out of memory", "into GPU memory"),
    # docker/model-runner#414
    (500, "ValueError: Free memory on device (6.96/8.0 GiB) on startup is less than desired GPU "
     "memory utilization (0.9, 7.2 GiB).", "out of memory", "x does not fit into GPU memory"),
    (500, f"{DIED}llama.cpp exit status: exit status 1\nwith output: llama_init_from_model: failed "
     "to initialize the context: failed to allocate buffer for kv cache", "out of memory",
     "x does not fit into memory"),
    (500, "terminate called after throwing an instance of 'std::bad_alloc'", "out of memory",
     "x does not fit into memory"),
    # docker/model-runner#150 and v1.0.0's source
    (507, "Runtime memory requirement for model exceeds total system memory", "out of memory",
     "x needs more memory than this machine has"),
    (507, 'Runtime memory requirement for model "ai/x" exceeds total system memory: required '
     "17179869184 RAM 1 VRAM, system 17179869184 RAM 1 VRAM", "out of memory",
     "x needs more memory than this machine has"),
    (500, f"{DIED}llama.cpp exit status: signal: killed", "out of memory", "The system killed"),
    (404, "Model not found\n", "model missing", "x was not found where it should come from"),
    (404, '{"type":"error","error":{"type":"not_found_error","message":"Model not found: ai/x"}}',
     "model missing", "x is not installed"),
    (401, "Unauthorized\n", "refused", "The registry does not hand out x"),
    # A real runner (v1.2.6-dev) and a real registry that wants a login
    (500, "error while getting remote model: failed to pull model \"localhost:5000/ai/x:v1\": "
     "UNKNOWN - resolving localhost:5000/ai/x:v1: pull access denied, repository does not exist "
     "or may require authorization: authorization failed: no basic auth credentials",
     "refused", "The registry does not hand out x"),
    (500, 'error while pulling model: reading model from registry: Head "https://r.io/v2": dial '
     "tcp: lookup r.io: no such host", "unreachable", "The registry of x cannot be reached"),
    # docker/desktop-feedback#687
    (500, f"{LOADING}unable to start llama.cpp: unable to start sandboxed process: {FORK}"
     "com.docker.llama-server.exe: Nom de répertoire non valide.", "backend missing",
     "The Windows program of the engine could not be started"),
    # docker/model-runner#1018
    (500, f"{LOADING}vLLM terminated unexpectedly: vLLM failed: ImportError: libtorch_cuda.so: "
     "cannot open shared object file: No such file or directory", "backend missing",
     "The backend has no GPU that it can use"),
    (200, "torch: 2.11.0+cpu\nCUDA build: None\nCUDA available: False", "backend missing",
     "The backend has no GPU that it can use"),
    # docker/model-runner#608, docker/desktop-feedback#84
    (500, f"{DIED}llama.cpp exit status: exit status 0xc0000135", "engine died",
     "The engine cannot start: a library is missing"),
    # docker/model-runner#479
    (500, f"{DIED}llama.cpp exit status: exit status 0xc0000005", "engine died",
     "The engine of x crashed"),
    (500, f"{DIED}llama.cpp exit status: exit status 0xc000001d", "engine died",
     "The engine does not run on this processor"),
    (500, f"{LOADING}unable to start vLLM: permission denied", "backend missing",
     "The program of the engine could not be started"),
    # docker/model-runner#907
    (500, f"{LOADING}failed to get args for llama.cpp: GGUF file required by llama.cpp backend",
     "backend missing", "x needs another backend than this runner has"),
    (412, 'backend "diffusers" is not installed; run: docker model install-runner --backend '
     "diffusers", "backend missing", "The backend for this model is not installed"),
    (404, "backend not found\n", "backend missing", "The backend for this model is not installed"),
    (503, "backend installation failed: no route to host", "backend missing",
     "The backend could not be installed"),
    (500, UNKNOWN_ARCHITECTURE, "engine too old", "The engine does not know this kind of model"),
    (500, UNKNOWN_PROJECTOR, "engine too old", "The engine does not know this kind of model"),
    (500, PROJECTOR_CRASH, "engine too old", "The engine does not know this kind of model"),
    # docker/model-runner#966, #767, #731
    (500, f"{DIED}llama.cpp failed: D:\\a\\tools\\mtmd\\clip.cpp:4391: Unknown projector type",
     "engine too old", "The engine does not know this kind of model"),
    (500, "ValueError: Model type qwen3_5 not supported.", "engine too old", "does not know this"),
    (500, "model type `qwen3_5` but Transformers does not recognize this architecture.",
     "engine too old", "does not know this kind"),
    (500, f"{LOADING}inference backend took too long to initialize", "timed out",
     "The model was not ready within five minutes"),
    (500, f"{LOADING}context canceled", "client left", "Loading x was called off"),
    # docker/model-runner#591
    (503, '{"error":{"message":"Loading model","type":"unavailable_error","code":503}}', "loading",
     "The engine is still loading the model"),
    (503, "backend installer not started", "loading", "The engine is still loading the model"),
    # coleam00/local-ai-packaged#56
    (400, '"nomic-embed-text:latest" does not support chat', "wrong kind of model",
     "x cannot do this kind of call"),
    (500, f"{LOADING}diffusers backend only supports image-generation mode, got completion",
     "wrong kind of model", "x cannot do this kind of call"),
    (400, '{"error":{"code":"invalid_request","message":"background responses are not supported by '
     'Docker Model Runner Responses compatibility layer"}}', "bad request",
     "DMR's Responses API does not have what the call asks for"),
    (400, "request too large\n", "bad request", "The call is larger than DMR takes"),
    (500, 'Jinja Exception: Conversation roles must alternate user/assistant', "bad request",
     "The engine cannot turn the call into a prompt"),
    (500, 'invalid runtime flag "--log-file=/x": paths are not allowed', "bad request",
     "The runner does not allow one of these runtime flags"),
    (400, "Invalid model reference", "bad request", "This is not a name that a model can have"),
    (409, 'unable to delete "sha256:1" (must be forced) due to multiple tag references: resource '
     "conflict", "busy", "x has several names, so its weights stay"),
    (500, "model distribution service unavailable", "failed", "cannot read its store of models"),
    (500, "model unavailable\n", "failed", "The runner cannot read its store of models"),
    (503, "service unavailable\n", "busy", "The runner is shutting down"),
    (500, "unable to load runner: backend loading disabled", "busy", "The runner is shutting down"),
    (500, "write /models/blobs/sha256/1: no space left on device", "failed", "The disk is full"),
    (500, SILENT_DUMP, "engine died", "The engine ended while it loaded x"),
    (500, f"{DIED}llama.cpp exit status: exit status 1", "engine died", "while it loaded x"),
    (500, f"{LOADING}inference backend quit unexpectedly", "engine died", "while it loaded x"),
    # What DMR writes into an answer whose engine ends half-way.
    (500, '{"type":"error","code":null,"message":"llama.cpp terminated unexpectedly: llama.cpp '
     'exit status: %!w(<nil>)","param":null,"sequence_number":1}', "engine died",
     "The engine of x ended unexpectedly"),
    # docker/model-runner#118
    (404, '{"message":"page not found"}', "bad request", "The runner does not know this call"),
    (408, "", "client left", "The caller hung up before the answer"),
    (500, '{"error": "unknown error"}', "engine died", "The engine broke off without a word"),
    (502, "", "engine died", "The engine broke off without a word"),
    (200, "the engine died while it answered: signal: killed", "engine died", "broke off its"),
    (502, "the engine could not be reached", "engine died", "The engine broke off its answer"),
    (403, "<html>Forbidden</html>", "refused", "The runner refuses the call"),
    (404, "nothing of the kind", "bad request", "The runner does not know this call"),
    (503, "try later", "loading", "The engine is still loading the model"),
    (504, "Gateway Timeout", "timed out", "Something before the runner gave up waiting"),
]  # fmt: skip

# Lines of the log and messages of other programs; model-runner#1054 and #907, n8n-io/n8n#11886,
# #21906 and #24496, model-runner#748, and curl's words.
LINES: list[tuple[str, Kind, str]] = [
    ("ggml_backend_cuda_buffer_type_alloc_buffer: allocating 4096.00 MiB on device 0: cudaMalloc "
     "failed: out of memory", "out of memory", "The model does not fit into GPU memory"),
    ("0.00.1.2 E llama_model_load: error loading model: unable to allocate CPU buffer",
     "out of memory", "The model does not fit into memory"),
    ('background model preload failed: preload failed: status=500 body=unable to load runner: '
     'cudaMalloc failed: out of memory', "out of memory", "does not fit into GPU memory"),
    ("llama.cpp  Error  failed to install llama.cpp: failed to check CUDA 11 capability: fork/exec "
     "C:\\Users\\username\\.docker\\bin\\inference\\com.docker.nv-gpu-info.exe: The system cannot "
     "find the path specified.", "backend missing", "Docker Desktop cannot tell which GPU"),
    ("vllm       Not Installed  only supported on Linux", "backend missing",
     "This machine cannot run that backend"),
    (f'{STAMP}msg="Backend installation failed for" backend=vllm error="vLLM binary not found"',
     "backend missing", "A backend that is optional is not installed"),
    (f'{STAMP}msg="Backend installation failed for" backend=mlx error="MLX is only available on '
     'macOS ARM64"', "backend missing", "A backend that is optional is not installed"),
    (f'{STAMP}msg="sglang package not found. Install with: uv pip install sglang"',
     "backend missing", "A backend that is optional is not installed"),
    (f'{STAMP}msg="Backend installation failed for" backend=llama.cpp error="could not resolve"',
     "backend missing", "The backend could not be installed"),
    (f'{STAMP}msg="Backend running model exited with error" backend=llama.cpp model=ai/x:1 '
     'error="llama.cpp terminated unexpectedly: llama.cpp failed: not enough GPU memory to load '
     'the model (CUDA)\\n\\nVerbose output:\\nmain: exiting due to model loading error"',
     "out of memory", "x:1 does not fit into GPU memory"),
    (f'{STAMP}msg="Backend runner initialization failed" backend=llama.cpp mode=completion '
     'error="llama.cpp terminated unexpectedly: exit status 1"', "engine died",
     "The engine ended while it loaded the model"),
    (f'{STAMP}msg="background model preload failed" status=404 body="error while getting model: '
     'get model \'\\"ai/nope\\"\': model not found\\n"', "model missing", "is not installed"),
    (f'{STAMP}msg="background model preload failed" status=500 body="something new\\n"', "failed",
     "Loading the model in the background failed"),
    ("main: exiting due to model loading error", "engine died", "ended while it loaded the model"),
    ("0.1.2.3 E CUDA error: an illegal memory access was encountered", "engine died",
     "The engine of the model hit an error on the GPU"),
    ('httputil: ReverseProxy read error during body copy: unexpected EOF', "engine died",
     "The engine broke off its answer"),
    ("0.03.138.189 E srv    send_error: task id = 53, error: request (20019 tokens) exceeds the "
     "available context size (2048 tokens), try increasing it", "context overflow",
     "The prompt has 20,019 tokens, the context window only 2,048"),
    ('{ "name": "HeadersTimeoutError", "code": "UND_ERR_HEADERS_TIMEOUT", "message": "Headers '
     'Timeout Error" }', "timed out", "The caller gave up waiting for the answer"),
    ("Problem in node Ollama - timeout of 300000ms exceeded", "timed out", "The caller gave up"),
    ("Request timed out.", "timed out", "The caller gave up waiting for the answer"),
    ("connect ECONNREFUSED 127.0.0.1:12434", "unreachable", "The runner does not answer"),
    ("dial tcp 127.0.0.1:12434: connect: connection refused", "unreachable", "does not answer"),
    ("curl: (52) Empty reply from server", "unreachable", "closed it without an answer"),
    ("permission denied while trying to connect to the docker API at unix:///var/run/docker.sock",
     "unreachable", "The runner's socket may not be used"),
    ("getaddrinfo ENOTFOUND model-runner.docker.internal", "unreachable",
     "There is no machine of that name"),
]  # fmt: skip

RECORDED: list[tuple[str, Kind, str, str]] = [
    ("v1.0.12/chat-missing-model", "model missing", "nope is not installed", "model pull nope"),
    ("v1.1.20/chat-missing-model", "model missing", "nope is not installed", "model pull nope"),
    ("v1.2.6/chat-missing-model", "model missing", "nope is not installed", "model pull nope"),
    ("v1.2.6/delete-missing", "model missing", "nope is not installed", "docker model pull nope"),
    ("v1.2.6/model-missing", "model missing", "nope is not installed", "docker model pull nope"),
    ("v1.0.12/pull-missing", "model missing", "nope was not found where", "docker model search"),
    ("v1.1.20/pull-missing", "model missing", "nope was not found where", "docker model search"),
    ("v1.2.6/pull-missing", "model missing", "nope was not found where", "docker model search"),
    ("v1.2.6/chat-ctx-overflow", "context overflow",
     "The prompt has 20,019 tokens, the context window only 2,048", "--context-size 25600 nope"),
    ("v1.2.6/load-oom", "out of memory", "nope does not fit into GPU memory", "Unload another"),
    ("v1.2.6/preload-oom", "out of memory", "nope does not fit into GPU memory", "Unload another"),
    ("v1.2.6/chat-bad-backend", "backend missing", "The backend for this model is not installed",
     "--backend vllm"),
    ("v1.2.6/chat-bad-json", "bad request", "The runner did not understand the call", "Check"),
    ("v1.2.6/chat-no-model", "bad request", "The call names no model", "docker model ls"),
    ("v1.2.6/chat-origin", "refused", "The runner refuses calls that come from a web page",
     "DMR_ORIGINS"),
    ("v1.2.6/configure-bad", "bad request", "The runner does not allow one of these runtime flags",
     "Leave it out"),
    ("v1.2.6/configure-busy", "busy", "The model is busy, so its configuration cannot change",
     "idle"),
    ("v1.2.6/embeddings", "wrong kind of model", "nope cannot do this kind of call", "made for it"),
    ("v1.2.6/embeddings-wrong-mode", "wrong kind of model", "nope cannot do this kind of call",
     "made for it"),
    ("v1.0.12/logs", "bad request", "The runner does not know this call", "Update"),
    ("v1.0.12/version", "bad request", "The runner does not know this call", "Update"),
    ("v1.1.20/logs", "bad request", "The runner does not know this call", "Update"),
    ("v1.2.6/props", "bad request", "The runner does not know this call", "Update"),
    ("v1.2.6/slots", "bad request", "The runner does not know this call", "Update"),
]  # fmt: skip

# The errors that clients got, by a piece of their text.
CLIENTS: list[tuple[str, Kind, str]] = [
    ("exceeds the available context size", "context overflow", "The prompt has 54,019 tokens"),
    ("unknown error", "client left", "The caller hung up before the answer was complete"),
    ("image input is not supported", "wrong kind of model", "x reads text only"),
    ("does not support reranking", "wrong kind of model", "x cannot do this kind of call"),
    ("is not OAI compatible", "wrong kind of model", "x cannot do this kind of call"),
    ("Field 'n'", "bad request", "The engine refuses a parameter of the call"),
    ("Field 'temperature'", "bad request", "The engine refuses a parameter of the call"),
]


@pytest.mark.parametrize(("status", "text", "kind", "what"), ANSWERS)
def test_answers(status: int, text: str, kind: Kind, what: str) -> None:
    explanation = explain_text(status, text, "ai/x")
    assert what in explanation.what
    assert explanation.kind == kind


@pytest.mark.parametrize(("text", "kind", "what"), LINES)
def test_lines(text: str, kind: Kind, what: str) -> None:
    explanation = explain_line(text)
    assert explanation is not None
    assert what in explanation.what
    assert explanation.kind == kind


@pytest.mark.parametrize(("name", "kind", "what", "step"), RECORDED)
def test_recorded_answers(name: str, kind: Kind, what: str, step: str) -> None:
    exchange = recorded(name)
    explanation = explain(Rejected(exchange.response["status"], exchange.body), "ai/nope")
    assert what in explanation.what
    assert step in explanation.step
    assert explanation.kind == kind


def test_every_recorded_error_is_among_them() -> None:
    refused = {
        f"{path.parent.name}/{path.stem}"
        for path in FOLDER.glob("v*/*.json")
        if json.loads(path.read_text())["response"]["status"] >= 400
    }
    assert refused == {name for name, *_ in RECORDED}


def client_errors() -> list[tuple[int, str]]:
    return [(r["status_code"], r["error"]) for _, r in client_records() if r.get("error")]


@pytest.mark.parametrize(("piece", "kind", "what"), CLIENTS)
def test_what_clients_got(piece: str, kind: Kind, what: str) -> None:
    found = [(status, text) for status, text in client_errors() if piece in text]
    assert found
    for status, text in found:
        whole = explain_text(status, text, "ai/x")
        message = msgspec.json.decode(text)["error"]
        shown = message if isinstance(message, str) else message["message"]
        for explanation in (whole, explain_text(status, shown, "ai/x")):
            assert what in explanation.what
            assert explanation.kind == kind


def test_every_error_of_a_client_is_among_them() -> None:
    pieces = [piece for piece, *_ in CLIENTS]
    for _, text in client_errors():
        assert any(piece in text for piece in pieces), text


def log_lines() -> list[str]:
    lines = []
    for path in sorted(FOLDER.glob("v1.2.6/logs*.json")):
        lines += recorded(f"v1.2.6/{path.stem}").body.splitlines()
    return lines


def test_recorded_log_lines_are_explained_if_they_tell_of_an_error() -> None:
    harmless = ("failed to parse llama.cpp version", "No unused runner found")
    for line in log_lines():
        warning = "level=ERROR" in line or "level=WARN" in line or " E " in line
        if warning and not any(text in line for text in harmless):
            assert explain_line(line) is not None, line
        else:
            assert explain_line(line) is None, line


def test_a_line_of_the_log_names_the_model() -> None:
    line = next(line for line in log_lines() if "level=ERROR" in line)
    found = explain_line(line)
    assert found is not None
    assert (found.what, found.step) == ("nope is not installed", "docker model pull nope")
    assert found.detail == "model not found"


def outcomes() -> list[Explanation | None]:
    """The explanation of every text above."""
    found: list[Explanation | None] = [explain_text(s, t, "ai/x") for s, t, *_ in ANSWERS]
    found += [explain_line(text) for text, *_ in LINES]
    found += [explain_text(status, text, "ai/x") for status, text in client_errors()]
    for name, *_ in RECORDED:
        found.append(explain_text(recorded(name).response["status"], recorded(name).body, "ai/x"))
    return found


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.what)
def test_no_row_can_go_unnoticed(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    before = outcomes()
    monkeypatch.setattr(explaining, "TABLE", tuple(each for each in TABLE if each is not row))
    assert outcomes() != before


@pytest.mark.parametrize(
    ("error", "kind", "what"),
    [
        (Unreachable("connection refused: nothing listens there"), "unreachable", "not answer"),
        (Unreachable("no route to that host"), "unreachable", "No route to that host"),
        (
            BadCertificates("TLS: there is no file x.pem"),
            "unreachable",
            "TLS: there is no file x.pem",
        ),
        (
            TimedOut("no connection in time: a firewall, or a machine that is off"),
            "unreachable",
            "No connection in time: a firewall",
        ),
        (Unreachable("no permission to use the socket"), "unreachable", "socket may not be used"),
        (Unreachable("no such host name"), "unreachable", "no machine of that name"),
        (TimedOut("connected, but no answer in time"), "timed out", "did not answer in time"),
        (BrokenOff("the connection was closed without an answer; the runner may be starting"),
         "unreachable", "closed it without an answer"),
        (BrokenOff("the stream ended before the answer did"), "engine died", "broke off"),
        (NotARunner("what answers there does not speak HTTP"), "unreachable", "not Docker Model"),
        (BadAnswer("the answer is not text"), "failed", "cannot be read"),
        (ReadOnly("read-only mode"), "refused", "nothing was sent"),
        (RunnerError("something else"), "failed", "something else"),
    ],
)  # fmt: skip
def test_every_kind_of_failure_says_what_happened(
    error: RunnerError, kind: Kind, what: str
) -> None:
    explanation = explain(error)
    assert what in explanation.what
    assert explanation.kind == kind
    assert not explanation.detail or explanation.detail == str(error)


def test_every_entry_is_plain_english_in_one_sentence_each() -> None:
    for row in (*TABLE, *BY_CLASS.values()):
        assert row.what[0].isupper() or row.what.startswith("{model}")
        assert not row.what.endswith(".")
        for text in (row.what, row.cause, row.step):
            assert not {"!", "—", "–"} & set(text)
            assert ". " not in text
        assert row.cause in {"", "{said}"} or row.cause.endswith(".")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (UNKNOWN_ARCHITECTURE, "llama_model_load: error loading model: error loading model "
         "architecture: unknown model architecture: 'qwen35'"),
        (NEW_OOM, "llama_model_load: error loading model: unable to allocate CUDA0 buffer"),
        (SILENT_DUMP, ""),
        (f"{DIED}llama.cpp failed: failed to load model\n\nVerbose output:\nx", "failed to load "
         "model"),
        ("Traceback\nValueError: no\n(APIServer pid=72) RuntimeError: engine core\n  at x.py",
         "RuntimeError: engine core"),
        ("", ""),
    ],
)  # fmt: skip
def test_the_line_of_a_dump_that_tells_most(text: str, line: str) -> None:
    assert telling_line(text) == line


def test_a_dump_is_folded_to_the_line_that_tells() -> None:
    dump = f"{DIED}llama.cpp failed:\nprint_info: x\nE srv: bad thing failed here\nprint_info: y"
    explanation = explain_text(500, dump, "ai/x")
    assert explanation.what == "The engine ended while it loaded x"
    assert explanation.cause == "E srv: bad thing failed here"
    assert explanation.detail == dump
    assert explain_text(500, SILENT_DUMP, "ai/x").cause == "It gave no reason."


def test_the_window_of_the_error_is_taken_at_its_word() -> None:
    body = {"message": "too long", "n_prompt_tokens": 4139, "n_ctx": 4096}
    explanation = explain_text(400, json.dumps({"error": body}), "ai/gemma3")
    assert explanation.what == "The prompt has 4,139 tokens, the context window only 4,096"
    assert explanation.step.endswith("docker model configure --context-size 6144 gemma3")
    assert "if the model was trained for as much" in explanation.step
    assert explanation.kind == "context overflow"


@pytest.mark.parametrize(
    ("trained", "step"),
    [
        (131072, "Shorten it, or: docker model configure --context-size 53248 qwen3"),
        (43000, "Shorten it, or: docker model configure --context-size 43000 qwen3"),
        (40960, "Shorten it: the model was trained for 40,960 tokens, and no more are of use."),
    ],
)
def test_no_context_is_advised_beyond_what_the_model_was_trained_for(
    trained: int, step: str
) -> None:
    for body in (
        json.dumps({"error": {"message": "?", "n_prompt_tokens": 42000, "n_ctx": 8192}}),
        "request (42000 tokens) exceeds the available context size (8192 tokens)",
    ):
        assert explain(Rejected(400, body), "ai/qwen3", trained).step == step


@pytest.mark.parametrize(
    ("model", "command"),
    [
        ("ai/gemma3:4B-Q4_K_M", "docker model pull gemma3:4B-Q4_K_M"),
        ("huggingface.co/owner/model:latest", "docker model pull hf.co/owner/model"),
        ("x; rm -rf ~", "docker model pull MODEL"),
        ("$(reboot)", "docker model pull MODEL"),
        ("x`id`", "docker model pull MODEL"),
        ("x\nreboot", "docker model pull MODEL"),
        ("--force", "docker model pull MODEL"),
        ("~/x", "docker model pull MODEL"),
        ("x" * 300, "docker model pull MODEL"),
        ("", "docker model pull MODEL"),
    ],
)
def test_a_name_in_a_command_is_one_that_a_shell_takes_literally(model: str, command: str) -> None:
    assert explain_text(404, "model not found", model).step == command


def test_a_name_with_braces_is_shown_as_it_is() -> None:
    assert explain_text(404, "model not found", "{said}").what == "{said} is not installed"


@pytest.mark.parametrize("name", ["ai/out-of-memory", "unknown-error", "ai/connection-refused:1b"])
def test_the_name_of_a_model_is_no_error(name: str) -> None:
    body = f"error while getting model: get model '\"{name}\"': model not found\n"
    assert explain_text(404, body, name).kind == "model missing"
    assert explain_line(f'{STAMP}msg="Loading backend runner" model="{name}"') is None
    assert explain_line(f'{STAMP}msg="backend args" args="[--alias out of memory --jinja]"') is None


def test_an_unknown_text_is_shown_with_the_line_that_tells() -> None:
    assert explain_text(500, "first\n\nthe end of it\n").what == (
        "The runner answered 500: the end of it"
    )
    assert explain_text(500, "cannot do it\nsee the manual").what == (
        "The runner answered 500: cannot do it"
    )
    assert explain_text(418, "").what == "The runner answered 418: nothing more"
    assert explain_line("all is well") is None
    assert explain_line("") is None


def test_without_a_name_the_sentences_still_read() -> None:
    assert explain_text(404, "model not found").what == "The model is not installed"
    assert explain_text(500, UNKNOWN_ARCHITECTURE).cause == "The model is newer than the engine."


def repr_start(text: str) -> str:
    return ascii(text[:20])


@pytest.mark.parametrize(
    "body",
    ["[" * 100_000, '{"error":' * 5000, '{"error":{"message":5}}', '{"error":null}', "\ud800",
     '{"error":{"n_prompt_tokens":true,"n_ctx":"x"}}', '{"error":{"n_ctx":1e999}}', "{}"],
    ids=repr_start,
)  # fmt: skip
def test_any_body_is_read_as_far_as_it_goes(body: str) -> None:
    assert explain_text(500, body).what
    explain_line(body)


def test_a_long_dump_is_looked_at_from_both_ends() -> None:
    long = "cudaMalloc failed: out of memory\n" + "print_info: x\n" * HALF + "last words failed"
    explanation = explain_text(500, long)
    assert explanation.kind == "out of memory"
    assert len(explanation.detail) < 3 * HALF
    assert explanation.detail.endswith("last words failed")

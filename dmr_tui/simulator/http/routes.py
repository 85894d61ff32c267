"""The runner's routes, with the texts of Go's mux and its handlers."""

import ipaddress
import posixpath
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import anyio
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from dmr_tui.simulator.connection import EVENTS, JSON, Connection, InferenceRequest, Refused
from dmr_tui.simulator.engine.engine import CONTENT_TYPE
from dmr_tui.simulator.golang import go_json
from dmr_tui.simulator.http.faults import TRANSPORT, FaultInjection, Faults, disconnected
from dmr_tui.simulator.service.world import AnswerCut, World

_NO_CACHE = {"cache-control": "no-cache", "connection": "keep-alive"}
_ANY = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_INFERENCE = ("v1/chat/completions", "v1/completions", "v1/embeddings", "rerank", "score")
_LOCAL_ENDINGS = (".localhost", ".docker.internal", ".local")
_LOCAL = re.compile(r"https?://(localhost|127\.0\.0\.1|0\.0\.0\.0)(:\d+)?")
_GUARDED = ("/models", "/engines", "/v1")
_TRUE, _FALSE = {"1", "t", "T", "true", "TRUE", "True"}, {"", "0", "f", "F", "false", "FALSE"}


def application(world: World, faults: Faults) -> Starlette:
    """The HTTP application of `world`, with `faults` in front of it."""
    handlers = Handlers(world)
    release = world.release
    routes = [
        Route("/metrics", handlers.metrics, methods=_ANY),
        Route("/models", handlers.models, methods=["GET"]),
        Route("/models/create", handlers.pull, methods=["POST"]),
        Route("/models/{name:path}", handlers.model, methods=["GET"]),
        Route("/models/{name:path}", handlers.delete, methods=["DELETE"]),
        Route("/models/{name:path}/tag", handlers.tag, methods=["POST"]),
        Route("/models/{name:path}", handlers.action, methods=["POST"]),
        Route("/engines/status", handlers.status),
        Route("/engines/ps", handlers.running),
        Route("/engines/df", handlers.disk),
        Route("/engines/requests", handlers.requests),
        Route("/engines/unload", handlers.unload, methods=["POST"]),
    ]
    for prefix in ("/engines", "/engines/{backend}", ""):
        if prefix:
            routes.append(Route(f"{prefix}/_configure", handlers.configure, methods=["POST"]))
        for path in _INFERENCE:
            routes.append(Route(f"{prefix}/{path}", handlers.infer, methods=["POST"]))
        routes.append(Route(f"{prefix}/v1/models", handlers.openai_models))
        routes.append(Route(f"{prefix}/v1/models/{{name:path}}", handlers.openai_model))
    if release.has_banner:
        routes.append(Route("/", handlers.banner, methods=_ANY))
        routes.append(Route("/engines/_configure", handlers.configurations))
    if release.has_version:
        routes.append(Route("/version", handlers.version, methods=_ANY))
    if release.has_logs:
        routes.append(Route("/logs", handlers.logs))
    app = Starlette(
        routes=routes,
        middleware=[Middleware(FaultInjection, faults=faults), Middleware(_Mux)],
        exception_handlers={404: _not_found, 405: _not_found, Refused: _refused},
    )
    app.router.redirect_slashes = False
    return app


class Handlers:
    """One method for each route."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def banner(self, request: Request) -> Response:
        return PlainTextResponse("Docker Model Runner is running")

    async def version(self, request: Request) -> Response:
        return _json({"version": self._world.release.version})

    async def metrics(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            raise Refused(405, "Method Not Allowed")
        return Response(self._world.metrics(), media_type=CONTENT_TYPE)

    async def logs(self, request: Request) -> Response:
        follow = _flag(request, "follow")
        engines = not _flag(request, "no-engines")
        log = self._world.log
        if not follow:
            return Response(log.text(engines), headers={"content-type": "text/plain"})
        return _stream(self._world, log.follow(engines), "text/plain")

    async def models(self, request: Request) -> Response:
        store = self._world.store
        store.note_listing()
        return _json([store.catalogue.describe(model) for model in store.catalogue])

    async def model(self, request: Request) -> Response:
        store = self._world.store
        name = request.path_params["name"]
        if _flag(request, "remote"):
            return _json(store.describe_remote(name))
        return _json(store.catalogue.describe(store.inspect(name)))

    async def openai_models(self, request: Request) -> Response:
        store = self._world.store
        store.note_listing()
        listed = [store.catalogue.describe_openai(model) for model in store.catalogue]
        return _json({"object": "list", "data": listed})

    async def openai_model(self, request: Request) -> Response:
        store = self._world.store
        return _json(store.catalogue.describe_openai(store.find(request.path_params["name"])))

    async def pull(self, request: Request) -> Response:
        store = self._world.store
        as_json = request.headers.get("accept") == JSON
        try:
            model, name = store.wanted(await request.body())
        except Refused as refusal:
            return _refusal(refusal, _NO_CACHE)
        kind = JSON if as_json else "text/plain"
        return _stream(self._world, store.pull(model, name, as_json), kind, _NO_CACHE)

    async def tag(self, request: Request) -> Response:
        query = request.query_params
        name, repository = request.path_params["name"], query.get("repo", "")
        return _json(self._world.store.tag(name, repository, query.get("tag", "")), 201)

    async def action(self, request: Request) -> Response:
        action = request.path_params["name"].rpartition("/")[2]
        raise Refused(404, f'unknown action "{action}"')

    async def delete(self, request: Request) -> Response:
        force = request.query_params.get("force", "0") in {"", *_TRUE}
        return _json(self._world.store.delete(request.path_params["name"], force))

    async def status(self, request: Request) -> Response:
        world = self._world
        told = world.release.status(world.vllm, gpu=not world.gpu.unused)
        return Response(go_json(told), media_type=JSON)

    async def running(self, request: Request) -> Response:
        return _json(self._world.loader.status())

    async def disk(self, request: Request) -> Response:
        sizes = {
            "models_disk_usage": self._world.store.catalogue.disk_bytes(),
            "default_backend_disk_usage": self._world.release.backend_disk_bytes,
        }
        return _json(sizes)

    async def requests(self, request: Request) -> Response:
        recorder = self._world.recorder
        model = request.query_params.get("model", "")
        digest = self._world.store.resolve(model) if model else None
        if request.headers.get("accept") == EVENTS:
            existing = request.query_params.get("include_existing") == "true"
            source = recorder.follow(model, digest, existing)
            return _stream(self._world, source, EVENTS, _NO_CACHE)
        return _json(recorder.groups(digest))

    async def unload(self, request: Request) -> Response:
        return _json({"unloaded_runners": self._world.unload(await request.body())})

    async def configurations(self, request: Request) -> Response:
        return _json(self._world.configurations(request.query_params.get("model", "")))

    async def configure(self, request: Request) -> Response:
        agent = request.headers.get("user-agent", "")
        backend = request.path_params.get("backend")
        self._world.configure(await request.body(), backend, agent)
        return Response(status_code=202)

    async def infer(self, request: Request) -> Response:
        path = request.url.path
        asked = InferenceRequest(
            path if path.startswith("/engines/") else f"/engines{path}",
            await request.body(),
            backend=request.path_params.get("backend"),
            headers=dict(request.headers),
        )
        return _CancellableResponse(self._world, partial(self._world.infer, asked))


class _CancellableResponse(Response):
    """An answer that `work` writes to it, and that is cancelled when the client leaves."""

    pace = 0.0

    def __init__(
        self,
        world: World,
        work: Callable[[Connection], Awaitable[None]],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.background = None
        self._world = world
        self._work = work
        self._extra = headers or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._send = send
        async with anyio.create_task_group() as group:

            def cut() -> None:
                scope[TRANSPORT].close()
                group.cancel_scope.cancel()

            async def watch() -> None:
                await disconnected(receive)
                group.cancel_scope.cancel()

            with self._world.cuttable(cut):
                group.start_soon(watch)
                try:
                    await self._work(self)
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                except AnswerCut:
                    scope[TRANSPORT].close()
                group.cancel_scope.cancel()

    async def start(self, status: int, content_type: str, length: int | None = None) -> None:
        headers = [(name.encode(), value.encode()) for name, value in self._extra.items()]
        if content_type:
            headers.append((b"content-type", content_type.encode()))
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})


def _stream(
    world: World,
    source: AsyncGenerator[bytes, None],
    content_type: str,
    headers: Mapping[str, str] | None = None,
) -> _CancellableResponse:
    """Answer with the pieces that `source` yields, as they come."""

    async def pump(to: Connection) -> None:
        await to.start(200, content_type)
        try:
            async for piece in source:
                await to.write(piece)
        finally:
            with anyio.CancelScope(shield=True):
                await source.aclose()

    return _CancellableResponse(world, pump, headers)


class _Mux:
    """The checks before the routes: double slashes, foreign pages in a browser, foreign names."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if "//" in scope["path"]:
                scope = {**scope, "path": "/" + posixpath.normpath(scope["path"]).lstrip("/")}
            headers = Headers(scope=scope)
            if not _is_local_name(headers.get("host", "")):
                # A page whose name was pointed to this computer while it was open.
                await _refusal(Refused(403, "Host not allowed"))(scope, receive, send)
                return
            origin = headers.get("origin")
            guarded = scope["path"].startswith(_GUARDED)
            if origin and guarded and not _LOCAL.fullmatch(origin):
                await _refusal(Refused(403, "Origin not allowed"))(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _is_local_name(host: str) -> bool:
    """Return whether a Host header is none that a web page could have brought here."""
    try:
        name = urlsplit(f"//{host}").hostname or "localhost"
        # A name without a dot is of this computer or network, never of the web.
        if "." in name and not name.endswith(_LOCAL_ENDINGS):
            ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _json(value: Any, status: int = 200) -> Response:
    return Response(go_json(value) + "\n", status, media_type=JSON)


def _flag(request: Request, name: str) -> bool:
    value = request.query_params.get(name, "")
    if value not in _TRUE | _FALSE:
        raise Refused(400, f'invalid {name} parameter: "{value}" is not a valid boolean')
    return value in _TRUE


def _refusal(refusal: Refused, headers: dict[str, str] | None = None) -> Response:
    extra = {"x-content-type-options": "nosniff", **(headers or {})}
    return PlainTextResponse(f"{refusal}\n", refusal.status, extra)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return _refusal(error)


async def _not_found(request: Request, error: Exception) -> Response:
    inside = request.url.path.startswith(("/engines/", "/v1/", "/models/"))
    return _refusal(Refused(404, "not found" if inside else "404 page not found"))

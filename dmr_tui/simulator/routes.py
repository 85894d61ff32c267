"""The runner's routes, with the texts that Go's mux and its handlers answer."""

import posixpath
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dmr_tui.simulator import counters
from dmr_tui.simulator.catalogue import NotInstalled
from dmr_tui.simulator.exchange import EVENTS, JSON, TEXT, Call, Refused
from dmr_tui.simulator.faults import Faults
from dmr_tui.simulator.gate import App, Gate, Receive, Scope, Send
from dmr_tui.simulator.golang import go_json
from dmr_tui.simulator.store import missing
from dmr_tui.simulator.streams import NO_CACHE, Exchange, stream
from dmr_tui.simulator.world import World

_ANY = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_INFERENCE = ("v1/chat/completions", "v1/completions", "v1/embeddings", "rerank", "score")
_LOCAL = re.compile(r"https?://(localhost|127\.0\.0\.1|0\.0\.0\.0)(:\d+)?")
_GUARDED = ("/models", "/engines", "/v1")
_TRUE, _FALSE = {"1", "t", "T", "true", "TRUE", "True"}, {"", "0", "f", "F", "false", "FALSE"}

Endpoint = Callable[[Request], Awaitable[Response]]


def application(world: World, faults: Faults, lifespan: Any) -> Starlette:
    """The HTTP face of `world`, with `faults` in front of it."""
    face = Face(world)
    release = world.release
    routes = [
        Route("/metrics", face.metrics, methods=_ANY),
        Route("/models", face.models, methods=["GET"]),
        Route("/models/create", face.pull, methods=["POST"]),
        Route("/models/{name:path}", face.model, methods=["GET"]),
        Route("/models/{name:path}", face.delete, methods=["DELETE"]),
        Route("/models/{name:path}/tag", face.tag, methods=["POST"]),
        Route("/models/{name:path}", face.action, methods=["POST"]),
        Route("/engines/status", face.status),
        Route("/engines/ps", face.running),
        Route("/engines/df", face.disk),
        Route("/engines/requests", face.requests),
        Route("/engines/unload", face.unload, methods=["POST"]),
    ]
    for prefix in ("/engines", "/engines/{backend}"):
        routes.append(Route(f"{prefix}/_configure", face.configure, methods=["POST"]))
        for path in _INFERENCE:
            routes.append(Route(f"{prefix}/{path}", face.infer, methods=["POST"]))
    for prefix in ("/engines", "/engines/{backend}", ""):
        routes.append(Route(f"{prefix}/v1/models", face.openai_models))
        routes.append(Route(f"{prefix}/v1/models/{{name:path}}", face.openai_model))
    for path in _INFERENCE:
        routes.append(Route(f"/{path}", face.infer, methods=["POST"]))
    if release.has_banner:
        routes.append(Route("/", face.banner, methods=_ANY))
        routes.append(Route("/engines/_configure", face.configurations))
    if release.has_version:
        routes.append(Route("/version", face.version, methods=_ANY))
    if release.has_logs:
        routes.append(Route("/logs", face.logs))
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Gate, faults=faults), Middleware(_Mux)],
        exception_handlers={404: _not_found, 405: _not_found, Refused: _refused},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


class Face:
    """One method for each route."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def banner(self, request: Request) -> Response:
        return _text("Docker Model Runner is running", end="")

    async def version(self, request: Request) -> Response:
        return _json({"version": self._world.release.version})

    async def metrics(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            raise Refused(405, "Method Not Allowed")
        return Response(self._world.metrics(), media_type=counters.CONTENT_TYPE)

    async def logs(self, request: Request) -> Response:
        follow = _flag(request, "follow")
        engines = not _flag(request, "no-engines")
        log = self._world.log
        if not follow:
            return Response(log.text(engines), headers={"content-type": "text/plain"})
        return stream(self._world, log.follow(engines), "text/plain")

    async def models(self, request: Request) -> Response:
        store = self._world.store
        store.note_listing()
        return _json([store.catalogue.describe(model) for model in store.catalogue])

    async def model(self, request: Request) -> Response:
        store = self._world.store
        name = request.path_params["name"]
        if _flag(request, "remote"):
            return _json(store.describe_remote(name))
        try:
            model = store.inspect(name)
        except NotInstalled as error:
            raise Refused(404, "model not found") from error
        return _json(store.catalogue.describe(model))

    async def openai_models(self, request: Request) -> Response:
        store = self._world.store
        store.note_listing()
        listed = [store.catalogue.describe_openai(model) for model in store.catalogue]
        return _json({"object": "list", "data": listed})

    async def openai_model(self, request: Request) -> Response:
        store = self._world.store
        reference = request.path_params["name"]
        try:
            model = store.look_up(reference)
        except NotInstalled as error:
            raise Refused(404, missing(reference)) from error
        return _json(store.catalogue.describe_openai(model))

    async def pull(self, request: Request) -> Response:
        store = self._world.store
        as_json = request.headers.get("accept") == JSON
        try:
            model, name = store.wanted(await request.body())
        except Refused as refusal:
            return _refusal(refusal, NO_CACHE)
        kind = JSON if as_json else "text/plain"
        return stream(self._world, store.pull(model, name, as_json), kind, NO_CACHE)

    async def tag(self, request: Request) -> Response:
        query = request.query_params
        name, repository = request.path_params["name"], query.get("repo", "")
        body = self._world.store.tag(name, repository, query.get("tag", ""))
        return Response(body, 201, media_type=JSON)

    async def action(self, request: Request) -> Response:
        action = request.path_params["name"].rpartition("/")[2]
        raise Refused(404, f'unknown action "{action}"')

    async def delete(self, request: Request) -> Response:
        force = request.query_params.get("force", "0") in {"", *_TRUE}
        body = self._world.store.delete(request.path_params["name"], force)
        return Response(body, media_type=JSON)

    async def status(self, request: Request) -> Response:
        world = self._world
        return _json(world.release.status(world.vllm, gpu=not world.gpu.unused), end="")

    async def running(self, request: Request) -> Response:
        return _json(self._world.loader.status())

    async def disk(self, request: Request) -> Response:
        sizes = {
            "models_disk_usage": self._world.store.catalogue.disk_bytes(),
            "default_backend_disk_usage": self._world.release.backend_disk_bytes,
        }
        return _json(sizes)

    async def requests(self, request: Request) -> Response:
        model = request.query_params.get("model", "")
        digest = self._world.store.resolve(model) if model else None
        if request.headers.get("accept") == EVENTS:
            existing = request.query_params.get("include_existing") == "true"
            return stream(self._world, self._feed(model, digest, existing), EVENTS, NO_CACHE)
        return _json(self._world.recorder.groups(digest))

    async def _feed(
        self, model: str, digest: str | None, existing: bool
    ) -> AsyncGenerator[bytes, None]:
        recorder = self._world.recorder
        feed = recorder.subscribe()
        try:
            head = []
            for group in recorder.existing(digest) if existing else ():
                head.append(f"event: existing_request\ndata: {go_json(group)}\n\n")
            head.append('event: connected\ndata: {"status": "connected"}\n\n')
            yield "".join(head).encode()
            while (ended := await feed.get()) is not None:
                if model in ("", ended[0]["model"]):
                    yield f"event: new_request\ndata: {go_json(ended)}\n\n".encode()
        finally:
            recorder.unsubscribe(feed)

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
        call = Call(
            path if path.startswith("/engines/") else f"/engines{path}",
            await request.body(),
            backend=request.path_params.get("backend"),
            headers=dict(request.headers),
        )
        return Exchange(self._world, partial(self._world.inference.infer, call))


class _Mux:
    """What comes before the routes: double slashes, and foreign pages in a browser."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if "//" in scope["path"]:
                scope = {**scope, "path": "/" + posixpath.normpath(scope["path"]).lstrip("/")}
            origin = dict(scope["headers"]).get(b"origin", b"").decode("latin-1")
            guarded = scope["path"].startswith(_GUARDED)
            if origin and guarded and not _LOCAL.fullmatch(origin):
                await _refusal(Refused(403, "Origin not allowed"))(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _json(value: Any, end: str = "\n") -> Response:
    return Response(go_json(value) + end, media_type=JSON)


def _text(text: str, status: int = 200, end: str = "\n") -> Response:
    return Response(text + end, status, headers={"content-type": TEXT})


def _flag(request: Request, name: str) -> bool:
    value = request.query_params.get(name, "")
    if value not in _TRUE | _FALSE:
        raise Refused(400, f'invalid {name} parameter: "{value}" is not a valid boolean')
    return value in _TRUE


def _refusal(refusal: Refused, headers: dict[str, str] | None = None) -> Response:
    response = _text(str(refusal), refusal.status)
    response.headers.update({"x-content-type-options": "nosniff", **(headers or {})})
    return response


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return _refusal(error)


async def _not_found(request: Request, error: Exception) -> Response:
    inside = request.url.path.startswith(("/engines/", "/v1/", "/models/"))
    return _refusal(Refused(404, "not found" if inside else "404 page not found"))

"""The server's routes: HTTP under ``/api/v1``, the WebSocket, and the page."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Body, FastAPI, Query, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from likeness import assets
from likeness.errors import LikenessError
from likeness.faces import moves, parts
from likeness.faces.effects import EFFECTS
from likeness.faces.labels import CLASSES
from likeness.faces.landmarks import COUNT, GROUPS, MIRROR
from likeness.image import WRITABLE
from likeness.studio import jobs, making, reference
from likeness.studio.core import Studio, scaled
from likeness.studio.errors import StudioError
from likeness.studio.guard import Access, Guard
from likeness.studio.live import Connection
from likeness.studio.making import encoded
from likeness.studio.models import weights_words
from likeness.studio.pictures import looked_at, safe_name
from likeness.synthesizer import Result
from likeness.version import __version__

log = logging.getLogger("likeness.studio")
PAGE = Path(__file__).with_name("page")
API = "/api/v1"
T = TypeVar("T")
MEDIA = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp", ".mp4": "video/mp4"}


class Asked(BaseModel):
    """What requests have in common: unknown fields are refused, so that a misspelt one is not passed over."""

    model_config = ConfigDict(extra="forbid")


class OfFace(Asked):
    """Which face of a picture."""

    face: int = Field(default=1, ge=1, le=1000, description="1 is the largest")


class OfLandmarks(OfFace):
    """Which face, and the framing of which system."""

    system: str = Field(default="landmark", max_length=100, description="in whose framing `framed` is; empty: none")


class OfDrawing(Asked):
    """How a photo is drawn."""

    effect: str = Field(default="pencil", max_length=40)
    seed: int = Field(default=0, ge=0, lt=2**31)


class Some(Asked):
    """Pictures of the session."""

    pictures: list[str] = Field(max_length=200)


class Making(Asked):
    """What is made from what, as the library says it; or several such ``requests`` of one system."""

    system: str = Field(max_length=100, description="a name of GET /systems")
    conditions: dict[str, Any] = Field(default_factory=dict, max_length=100)
    options: dict[str, Any] = Field(default_factory=dict, max_length=100)
    seed: int | None = Field(default=None, ge=0, lt=2**31)
    requests: list[dict[str, Any]] | None = Field(default=None, description="conditions, options and seed each")


class NewJob(Asked):
    """A job to begin."""

    kind: Literal["reenact", "portrait"]
    clip: str = Field(default="", max_length=64, description="reenact: a clip's id")
    system: str = Field(default="landmark", max_length=100, description="reenact: whose model")
    target: str | None = Field(default=None, max_length=200, pattern=r"^[^-].*$", description="reenact: which of its targets")
    beside: bool = Field(default=False, description="reenact: driver, landmarks and face side by side")
    own: bool = Field(default=False, description="reenact: the driver is the target")
    raw: bool = Field(default=False, description="reenact: landmarks as they are found, not made steady")
    pictures: list[str] = Field(default_factory=list, max_length=200, description="portrait: photos of one person")
    minutes: float = Field(default=30, gt=0, le=24 * 60, description="portrait: how long it learns at most")
    steps: int | None = Field(default=None, ge=1, le=1_000_000, description="portrait: for how many steps; else the recipe's")
    name: str = Field(default="person", max_length=60, description="portrait: what to call the model")


class State(Asked):
    """What the page wants to find again after a reload."""

    state: Any = None


def application(studio: Studio, access: Access, page: bool = True, warm: bool = True) -> Guard:
    """The server, as ASGI has it.

    Args:
        studio: what it works with; closed when the server stops.
        access: who may come in.
        page: whether the page is shown; else only the API.
        warm: open all systems in the background when the server starts.
    """

    @asynccontextmanager
    async def living(app: FastAPI) -> AsyncIterator[None]:
        if warm:
            threading.Thread(target=lambda: list(studio.models.warm()), name="studio-warm", daemon=True).start()
        try:
            yield
        finally:
            await asyncio.to_thread(studio.close)

    app = FastAPI(
        title="likeness studio",
        version=__version__,
        summary="Faces made from parts, drawings, landmarks and photos",
        description="The API of likeness studio and likeness serve; docs/studio-api.md says more.",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=living,
    )
    _mistakes(app)
    _tables(app, studio)
    _pictures(app, studio)
    _makes(app, studio)
    _jobs(app, studio)
    _session(app, studio)
    _live(app, studio)
    if page:
        app.mount("/samples", StaticFiles(directory=assets.SAMPLES), name="samples")  # the synthetic people that ship
        app.mount("/", StaticFiles(directory=PAGE, html=True, check_dir=False), name="page")
    return Guard(app, access, studio.limits)


def _mistakes(app: FastAPI) -> None:
    """Every mistake is one line."""

    def said(status: int, text: str, retry: int = 0) -> JSONResponse:
        headers = {"retry-after": str(retry)} if retry else None
        return JSONResponse({"error": " ".join(text.split())}, status, headers)

    @app.exception_handler(LikenessError)
    async def mistaken(request: Request, problem: LikenessError) -> JSONResponse:
        status, retry = (problem.status, problem.retry) if isinstance(problem, StudioError) else (422, 0)
        return said(status, str(problem), retry)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, problem: RequestValidationError) -> JSONResponse:
        first = problem.errors()[0]
        place = ".".join(str(one)[:40] for one in first["loc"] if one != "body")
        return said(422, f"{place}: {first['msg']}" if place else str(first["msg"]))

    @app.exception_handler(HTTPException)
    async def refused(request: Request, problem: HTTPException) -> JSONResponse:
        return said(problem.status_code, str(problem.detail))

    @app.exception_handler(MemoryError)
    async def full(request: Request, problem: MemoryError) -> JSONResponse:
        return said(503, "there is not enough memory for this", 5)

    @app.exception_handler(Exception)
    async def broken(request: Request, problem: Exception) -> JSONResponse:
        log.exception("a request failed", exc_info=problem)
        return said(500, f"this could not be done ({type(problem).__name__})")


def client_of(request: Request | WebSocket) -> str:
    """The session of a request, as the guard found it."""
    return str(request.scope["state"]["client"])


async def body_of(request: Request) -> bytes:
    """A request's body; how large it may be, the guard sees to."""
    return b"".join([chunk async for chunk in request.stream()])


def _tables(app: FastAPI, studio: Studio) -> None:
    @app.get(f"{API}/docs", include_in_schema=False)
    async def described() -> HTMLResponse:
        return HTMLResponse(reference.page(app.openapi()))

    @app.get(f"{API}/reference.css", include_in_schema=False)
    async def style() -> Response:
        return Response(reference.STYLE, media_type="text/css")

    @app.get(f"{API}/tables", tags=["systems"])
    async def tables() -> dict[str, Any]:
        """What does not change while the server runs: names, orders, colours, limits."""
        limits = studio.limits
        names = ("picture_bytes", "picture_pixels", "session_bytes", "state_bytes", "clip_bytes", "live_bytes", "drawing_pixels")
        return {
            "version": __version__,
            "landmarks": {
                "count": COUNT,
                "groups": {name: list(group) for name, group in GROUPS.items()},
                "mirror": list(MIRROR),
                "parts": list(moves.PARTS),
            },
            "parts": list(parts.ALIASES),
            "classes": {name: list(colour) for name, colour in CLASSES.items()},
            "effects": list(EFFECTS),
            "formats": [suffix[1:] for suffix in WRITABLE if suffix != ".jpeg"],
            "limits": {name: getattr(limits, name) for name in (*names, "requests", "streams", "pictures", "results")},
            "jobs": jobs.possible(),
        }

    @app.get(f"{API}/systems", tags=["systems"])
    async def systems(request: Request) -> dict[str, Any]:
        """The systems, with their conditions and options."""
        client = client_of(request)
        return {"systems": await asyncio.to_thread(studio.systems, client)}


def _pictures(app: FastAPI, studio: Studio) -> None:
    shelf = studio.pictures

    async def turn(request: Request, work: Callable[[str], T]) -> T:
        client = client_of(request)
        return await studio.turns.run(client, lambda: work(client))

    @app.post(f"{API}/pictures", tags=["pictures"], status_code=201)
    async def add(request: Request, name: Annotated[str, Query(max_length=300)] = "picture") -> dict[str, Any]:
        """Send a picture: the body is the file's bytes."""
        client, content = client_of(request), await body_of(request)
        studio.session(client)
        picture = await asyncio.to_thread(looked_at, content, name, studio.limits)
        return shelf.keep(client, picture).told()

    @app.get(f"{API}/pictures", tags=["pictures"])
    async def every(request: Request) -> dict[str, Any]:
        """The session's pictures."""
        return {"pictures": [one.told() for one in shelf.all(client_of(request))]}

    @app.delete(f"{API}/pictures", tags=["pictures"], status_code=204)
    async def clear(request: Request) -> Response:
        """Delete all of the session's pictures, and the results that were made of them."""
        shelf.clear(client_of(request))
        studio.results.clear(client_of(request))
        return Response(status_code=204)

    @app.post(f"{API}/pictures/check", tags=["pictures"])
    async def check(request: Request, asked: Some) -> dict[str, Any]:
        """Which pictures can teach a person's model."""
        return await turn(request, lambda client: studio.check(client, asked.pictures))

    @app.get(f"{API}/pictures/{{id}}", tags=["pictures"], response_class=Response)
    async def get(request: Request, id: str, longest: Annotated[int | None, Query(ge=16, le=8192)] = None) -> Response:
        """A picture, upright: JPEG, or PNG where it came as PNG."""
        client = client_of(request)
        kind = "png" if shelf.get(client, id).type == "image/png" else "jpeg"

        def work() -> bytes:
            pixels = shelf.pixels(client, id).image
            return encoded(pixels if longest is None else scaled(pixels, longest), kind)

        return Response(await studio.turns.run(client, work), media_type=f"image/{kind}")

    @app.delete(f"{API}/pictures/{{id}}", tags=["pictures"], status_code=204)
    async def remove(request: Request, id: str) -> Response:
        """Delete a picture."""
        shelf.remove(client_of(request), id)
        return Response(status_code=204)

    @app.post(f"{API}/pictures/{{id}}/parts", tags=["pictures"])
    async def tiles(request: Request, id: str, asked: OfFace | None = None) -> dict[str, Any]:
        """A face's eyes, nose, mouth and jaw as tiles."""
        return await turn(request, lambda client: studio.parts_of(client, id, (asked or OfFace()).face))

    @app.post(f"{API}/pictures/{{id}}/landmarks", tags=["pictures"])
    async def points(request: Request, id: str, asked: OfLandmarks | None = None) -> dict[str, Any]:
        """A face's 68 landmarks, in the picture and in a system's framing."""
        given = asked or OfLandmarks()
        return await turn(request, lambda client: studio.landmarks_of(client, id, given.face, given.system))

    @app.post(f"{API}/pictures/{{id}}/parsing", tags=["pictures"])
    async def parsing(request: Request, id: str, asked: OfFace | None = None) -> dict[str, Any]:
        """What each pixel of a face is."""
        return await turn(request, lambda client: studio.parsing_of(client, id, (asked or OfFace()).face))

    @app.post(f"{API}/pictures/{{id}}/drawing", tags=["pictures"], response_class=Response)
    async def drawing(request: Request, id: str, asked: OfDrawing | None = None) -> Response:
        """The picture as a drawing."""
        given = asked or OfDrawing()
        made = await turn(request, lambda client: studio.drawing_of(client, id, given.effect, given.seed))
        return Response(made, media_type="image/png")

    @app.post(f"{API}/landmarks/change", tags=["pictures"])
    async def change(asked: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        """Landmarks changed: the head turned, eyes and mouth opened, parts moved; as numbers."""
        return await asyncio.to_thread(studio.change_landmarks, asked)


def _makes(app: FastAPI, studio: Studio) -> None:
    @app.post(f"{API}/make", tags=["making"])
    async def make(request: Request, asked: Making) -> dict[str, Any]:
        """Make pictures."""
        client = client_of(request)
        whole = asked.model_dump()
        bodies = whole["requests"] if whole["requests"] is not None else [whole]
        if not 1 <= len(bodies) <= studio.limits.requests:
            raise StudioError(f"requests: 1 to {studio.limits.requests} were expected, got {len(bodies)}")
        made = []
        for start in range(0, len(bodies), 8):  # others have their turns in between
            some = bodies[start : start + 8]
            made += await studio.turns.run(client, partial(studio.make, client, asked.system, some))
        return {"results": await asyncio.to_thread(lambda: [one.told() for one in made])}

    @app.get(f"{API}/results/{{id}}", tags=["making"], response_class=Response)
    async def get(
        request: Request,
        id: str,
        format: Literal["png", "jpg", "webp"] = "png",
        intermediate: Annotated[str, Query(max_length=100)] = "",
        paste: bool = False,
        download: Annotated[str, Query(max_length=100)] = "",
    ) -> Response:
        """A result as a file with its mark of provenance."""
        client = client_of(request)
        kept = studio.results.get(client, id)
        if intermediate and intermediate not in kept.result.intermediates:
            raise StudioError(f"there is no intermediate {intermediate!r}; there are {', '.join(kept.result.intermediates)}", 404)

        def work() -> bytes:
            result = studio.pasted(client, kept) if paste else kept.result
            if intermediate:
                result = Result(result.intermediates[intermediate], {}, result.made, source_type=result.source_type)
            return saved(result, f".{format}")

        content = await studio.turns.run(client, work)
        return Response(content, media_type=MEDIA[f".{format}"], headers=_attached(download, f".{format}"))

    @app.get(f"{API}/results/{{id}}/inputs/{{name}}", tags=["making"], response_class=Response)
    async def inputs(request: Request, id: str, name: str) -> Response:
        """A file that a result's command reads, and that the user has not got."""
        kept = studio.results.get(client_of(request), id)
        if name not in kept.files:
            raise StudioError("there is no such file", 404)
        return Response(kept.files[name], media_type="application/json", headers=_attached(name, ""))

    @app.get(f"{API}/results/{{id}}/bundle", tags=["making"], response_class=Response)
    async def bundle(request: Request, id: str) -> Response:
        """A zip: the picture, and all that is needed to make it again."""
        client = client_of(request)
        kept = studio.results.get(client, id)

        def work() -> bytes:
            return making.bundle_of(kept, saved(kept.result, ".png"), studio.pictures_of(client, kept))

        return Response(await studio.turns.run(client, work), media_type="application/zip", headers=_attached("likeness", ".zip"))

    @app.get(f"{API}/results/{{id}}/sheet", tags=["making"], response_class=Response)
    async def sheet(request: Request, id: str) -> Response:
        """What a result was made from, and it, side by side."""
        kept = studio.results.get(client_of(request), id)
        content = await studio.turns.run(client_of(request), lambda: encoded(making.sheet_of(kept.result), "png", kept.result))
        return Response(content, media_type="image/png", headers=_attached("", ".png"))

    @app.delete(f"{API}/results/{{id}}", tags=["making"], status_code=204)
    async def remove(request: Request, id: str) -> Response:
        """Forget a result."""
        studio.results.remove(client_of(request), id)
        return Response(status_code=204)


def saved(result: Result, suffix: str) -> bytes:
    """A result as :meth:`Result.save` writes it."""
    with tempfile.TemporaryDirectory(prefix="likeness-") as folder:
        return result.save(Path(folder) / f"face{suffix}").read_bytes()


def _attached(name: str, suffix: str) -> dict[str, str]:
    """The header by which a browser saves a file under a name; none without a name."""
    if not name:
        return {}
    stem = safe_name(name, "", "face")
    return {"content-disposition": f'attachment; filename="{stem if stem.endswith(suffix) else stem + suffix}"'}


def _jobs(app: FastAPI, studio: Studio) -> None:
    held = studio.jobs

    @app.post(f"{API}/clips", tags=["jobs"], status_code=201)
    async def add_clip(request: Request, name: Annotated[str, Query(max_length=300)] = "clip.mp4") -> dict[str, Any]:
        """Send a clip: the body is the file's bytes; it goes to the disk as it comes."""
        client = client_of(request)
        id, path = held.clip_path(name)
        jobs.check_possible("reenact")
        try:
            with path.open("xb") as file:
                async for chunk in request.stream():
                    await asyncio.to_thread(file.write, chunk)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return (await studio.turns.run(client, lambda: held.add_clip(client, id, name, path))).told()

    @app.delete(f"{API}/clips/{{id}}", tags=["jobs"], status_code=204)
    async def remove_clip(request: Request, id: str) -> Response:
        """Delete a clip."""
        held.remove_clip(client_of(request), id)
        return Response(status_code=204)

    @app.post(f"{API}/jobs", tags=["jobs"], status_code=201)
    async def begin(request: Request, asked: NewJob) -> dict[str, Any]:
        """Begin a job."""
        client = client_of(request)
        jobs.check_possible(asked.kind)

        def work() -> jobs.Job:
            if asked.kind == "reenact":
                system = studio.system(client, asked.system)
                if system.card.system != "landmark":
                    raise StudioError(f"{asked.system}: makes no faces from landmarks")
                return held.reenact(client, asked.clip, str(Path(weights_words(system))), asked.model_dump())
            pictures = [studio.pictures.get(client, id) for id in dict.fromkeys(asked.pictures)]
            return held.portrait(client, pictures, asked.minutes, asked.name, asked.steps)

        return held.told(await asyncio.to_thread(work))

    @app.get(f"{API}/jobs", tags=["jobs"])
    async def every(request: Request) -> dict[str, Any]:
        """The session's jobs, the newest first."""
        client = client_of(request)
        return {"jobs": await asyncio.to_thread(lambda: [held.told(job) for job in held.of(client)])}

    @app.get(f"{API}/jobs/{{id}}", tags=["jobs"])
    async def one(request: Request, id: str) -> dict[str, Any]:
        """A job, and how far it has come."""
        return await asyncio.to_thread(held.told, held.get(client_of(request), id))

    @app.post(f"{API}/jobs/{{id}}/cancel", tags=["jobs"])
    async def cancel(request: Request, id: str) -> dict[str, Any]:
        """Stop a job; what was done is kept."""
        return await asyncio.to_thread(held.told, held.cancel(client_of(request), id))

    @app.post(f"{API}/jobs/{{id}}/resume", tags=["jobs"])
    async def resume(request: Request, id: str) -> dict[str, Any]:
        """Go on with a job."""
        return await asyncio.to_thread(held.told, held.resume(client_of(request), id))

    @app.delete(f"{API}/jobs/{{id}}", tags=["jobs"], status_code=204)
    async def remove(request: Request, id: str) -> Response:
        """Delete a job and all that came of it."""
        client = client_of(request)
        job = held.get(client, id)
        folder = await asyncio.to_thread(held.remove, client, id)
        if job.model:
            studio.models.forget(folder / job.model)
        return Response(status_code=204)

    @app.get(f"{API}/jobs/{{id}}/files/{{name}}", tags=["jobs"], response_class=Response)
    async def file(request: Request, id: str, name: str) -> StreamingResponse:
        """A file that came of a job."""
        path = held.file(client_of(request), id, name)
        opened = path.open("rb")
        headers = {"content-length": str(path.stat().st_size)} | _attached(name, "")
        return StreamingResponse(_chunks(opened), media_type=MEDIA.get(path.suffix, "application/octet-stream"), headers=headers)


async def _chunks(file: io.BufferedReader) -> AsyncIterator[bytes]:
    with file:
        while chunk := await asyncio.to_thread(file.read, 1 << 18):
            yield chunk


def _session(app: FastAPI, studio: Studio) -> None:
    @app.put(f"{API}/session", tags=["session"], status_code=204)
    async def keep(request: Request, asked: State) -> Response:
        """Keep the page's state for a reload."""
        studio.set_state(client_of(request), asked.state)
        return Response(status_code=204)

    @app.get(f"{API}/session/state", tags=["session"])
    async def state(request: Request) -> Response:
        """The page's state."""
        return Response(f'{{"state":{studio.session(client_of(request)).state}}}', media_type="application/json")

    @app.get(f"{API}/session", tags=["session"], response_class=Response)
    async def save(request: Request) -> Response:
        """The session as one file: the page's state, and all pictures."""
        content = await asyncio.to_thread(studio.saved, client_of(request))
        return Response(content, media_type="application/json", headers=_attached("session.likeness.json", ""))

    @app.post(f"{API}/session", tags=["session"])
    async def open_saved(request: Request) -> JSONResponse:
        """Open such a file: the body. What the session held before is dropped."""
        client, content = client_of(request), await body_of(request)
        return JSONResponse(await studio.turns.run(client, lambda: studio.open_saved(client, content)))


def _live(app: FastAPI, studio: Studio) -> None:
    connected: dict[str, int] = {}

    @app.websocket(f"{API}/live")
    async def live(socket: WebSocket) -> None:
        client = client_of(socket)
        if connected.get(client, 0) >= studio.limits.connections:
            await socket.close(1013, "too many connections of this session")
            return
        connected[client] = connected.get(client, 0) + 1
        try:
            studio.session(client)
            await socket.accept()
            with contextlib.suppress(asyncio.CancelledError):
                await Connection(studio, client, socket).serve()
        finally:
            connected[client] -= 1
            if not connected[client]:
                del connected[client]

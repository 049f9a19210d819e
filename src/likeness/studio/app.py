"""The server's routes: HTTP under ``/api/v1``, the WebSocket, and the page."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from likeness import assets
from likeness.errors import LikenessError
from likeness.faces import moves, parts
from likeness.faces.effects import EFFECTS
from likeness.faces.labels import CLASSES
from likeness.faces.landmarks import COUNT, GROUPS, MIRROR
from likeness.image import WRITABLE
from likeness.studio import job_routes, picture_routes, reference
from likeness.studio.core import Studio
from likeness.studio.errors import StudioError
from likeness.studio.guard import Access, Guard
from likeness.studio.job import possible
from likeness.studio.live import Connection
from likeness.studio.server import program
from likeness.studio.wire import API, State, attached, body_of, client_of, is_here
from likeness.version import __version__

log = logging.getLogger("likeness.studio")
PAGE = Path(__file__).with_name("page")


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
    picture_routes.pictures(app, studio)
    picture_routes.makes(app, studio)
    job_routes.jobs(app, studio)
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


def _tables(app: FastAPI, studio: Studio) -> None:
    @app.get(f"{API}/docs", include_in_schema=False)
    async def described() -> HTMLResponse:
        return HTMLResponse(reference.page(app.openapi()))

    @app.get(f"{API}/reference.css", include_in_schema=False)
    async def style() -> Response:
        return Response(reference.STYLE, media_type="text/css")

    @app.get(f"{API}/tables", tags=["systems"])
    async def tables(request: Request) -> dict[str, Any]:
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
            "jobs": possible(is_here(request)),
            "program": program() if is_here(request) else None,
        }

    @app.get(f"{API}/systems", tags=["systems"])
    async def systems(request: Request) -> dict[str, Any]:
        """The systems, with their conditions and options."""
        client = client_of(request)
        return {"systems": await asyncio.to_thread(studio.systems, client)}


def _session(app: FastAPI, studio: Studio) -> None:
    @app.put(f"{API}/session", tags=["session"], status_code=204)
    async def keep(request: Request, asked: State) -> Response:
        """Keep the page's state for a reload."""
        studio.set_state(client_of(request), asked.state)
        return Response(status_code=204)

    @app.get(f"{API}/session/state", tags=["session"])
    async def state(request: Request) -> Response:
        """The page's state, and the session's epoch: another one after a restart, when its pictures are to be sent again."""
        held = studio.session(client_of(request))
        return Response(f'{{"epoch":"{held.epoch}","state":{held.state}}}', media_type="application/json")

    @app.get(f"{API}/session", tags=["session"], response_class=Response)
    async def save(request: Request) -> Response:
        """The session as one file: the page's state, and all pictures."""
        content = await asyncio.to_thread(studio.saved, client_of(request))
        return Response(content, media_type="application/json", headers=attached("session.likeness.json", ""))

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

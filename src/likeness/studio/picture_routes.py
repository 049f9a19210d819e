"""The routes of pictures, and of what is made of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Body, FastAPI, Query, Request
from fastapi.responses import Response

from likeness.studio import making
from likeness.studio.core import Studio, scaled
from likeness.studio.errors import StudioError
from likeness.studio.making import encoded
from likeness.studio.pictures import ID, looked_at
from likeness.studio.wire import API, MEDIA, Making, OfDrawing, OfFace, OfLandmarks, Some, attached, body_of, client_of
from likeness.synthesizer import Result

T = TypeVar("T")


def pictures(app: FastAPI, studio: Studio) -> None:
    shelf = studio.pictures

    async def turn(request: Request, work: Callable[[str], T]) -> T:
        client = client_of(request)
        return await studio.turns.run(client, lambda: work(client))

    @app.post(f"{API}/pictures", tags=["pictures"], status_code=201)
    async def add(
        request: Request,
        name: Annotated[str, Query(max_length=300)] = "picture",
        id: Annotated[str, Query(pattern=f"^({ID.pattern})?$", description="of before: it is put back")] = "",
        internal: Annotated[bool, Query(description="an aid of the client's, none of the user's photos")] = False,
    ) -> dict[str, Any]:
        """Send a picture: the body is the file's bytes."""
        client, content = client_of(request), await body_of(request)
        studio.session(client)
        picture = await asyncio.to_thread(looked_at, content, name, studio.limits, id, internal)
        held = next((one for one in shelf.all(client) if one.id == id), None)
        return (held or shelf.keep(client, picture)).told()

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


def makes(app: FastAPI, studio: Studio) -> None:
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
            return result.encoded(f".{format}")

        content = await studio.turns.run(client, work)
        return Response(content, media_type=MEDIA[f".{format}"], headers=attached(download, f".{format}"))

    @app.get(f"{API}/results/{{id}}/inputs/{{name}}", tags=["making"], response_class=Response)
    async def inputs(request: Request, id: str, name: str) -> Response:
        """A file that a result's command reads, and that the user has not got."""
        kept = studio.results.get(client_of(request), id)
        if name not in kept.files:
            raise StudioError("there is no such file", 404)
        return Response(kept.files[name], media_type="application/json", headers=attached(name, ""))

    @app.get(f"{API}/results/{{id}}/bundle", tags=["making"], response_class=Response)
    async def bundle(request: Request, id: str) -> Response:
        """A zip: the picture, and all that is needed to make it again."""
        client = client_of(request)
        kept = studio.results.get(client, id)

        def work() -> bytes:
            return making.bundle_of(kept, kept.result.encoded(), studio.pictures_of(client, kept))

        return Response(await studio.turns.run(client, work), media_type="application/zip", headers=attached("likeness", ".zip"))

    @app.get(f"{API}/results/{{id}}/sheet", tags=["making"], response_class=Response)
    async def sheet(request: Request, id: str) -> Response:
        """What a result was made from, and it, side by side."""
        kept = studio.results.get(client_of(request), id)
        content = await studio.turns.run(client_of(request), lambda: encoded(making.sheet_of(kept.result), "png", kept.result))
        return Response(content, media_type="image/png", headers=attached("", ".png"))

    @app.delete(f"{API}/results/{{id}}", tags=["making"], status_code=204)
    async def remove(request: Request, id: str) -> Response:
        """Forget a result."""
        studio.results.remove(client_of(request), id)
        return Response(status_code=204)

"""The routes of long work: clips, and jobs."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response, StreamingResponse

from likeness.studio.core import Studio
from likeness.studio.errors import StudioError
from likeness.studio.job import Job, check_possible
from likeness.studio.models import weights_words
from likeness.studio.wire import API, MEDIA, NewJob, OfResume, attached, client_of


def jobs(app: FastAPI, studio: Studio) -> None:
    held = studio.jobs

    @app.post(f"{API}/clips", tags=["jobs"], status_code=201)
    async def add_clip(request: Request, name: Annotated[str, Query(max_length=300)] = "clip.mp4") -> dict[str, Any]:
        """Send a clip: the body is the file's bytes; it goes to the disk as it comes."""
        client = client_of(request)
        id, path = held.clips.path(name)
        check_possible("reenact")
        try:
            with path.open("xb") as file:
                async for chunk in request.stream():
                    await asyncio.to_thread(file.write, chunk)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return (await studio.turns.run(client, lambda: held.clips.add(client, id, name, path))).told()

    @app.delete(f"{API}/clips/{{id}}", tags=["jobs"], status_code=204)
    async def remove_clip(request: Request, id: str) -> Response:
        """Delete a clip."""
        held.clips.remove(client_of(request), id)
        return Response(status_code=204)

    @app.post(f"{API}/jobs", tags=["jobs"], status_code=201)
    async def begin(request: Request, asked: NewJob) -> dict[str, Any]:
        """Begin a job."""
        client = client_of(request)
        check_possible(asked.kind)

        def work() -> Job:
            if asked.kind == "reenact":
                system = studio.system(client, asked.system)
                if system.card.system != "landmark":
                    raise StudioError(f"{asked.system}: makes no faces from landmarks")
                return held.reenact(client, asked.clip, weights_words(system), asked.model_dump())
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
    async def resume(request: Request, id: str, asked: OfResume | None = None) -> dict[str, Any]:
        """Go on with a job."""
        minutes = asked.minutes if asked is not None else None
        return await asyncio.to_thread(held.told, held.resume(client_of(request), id, minutes))

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
        headers = {"content-length": str(path.stat().st_size)} | attached(name, "")
        return StreamingResponse(_chunks(opened), media_type=MEDIA.get(path.suffix, "application/octet-stream"), headers=headers)


async def _chunks(file: io.BufferedReader) -> AsyncIterator[bytes]:
    with file:
        while chunk := await asyncio.to_thread(file.read, 1 << 18):
            yield chunk

"""How much of everything a studio takes."""

from __future__ import annotations

from dataclasses import dataclass

MB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """Bounds of a server; those in bytes are of what is sent, and checked before anything is read or decoded.

    ``client_bytes`` and ``all_bytes`` bound the pictures that are held, of a session and of all; ``decoded_bytes`` the decoded
    ones, of all sessions. A session that nobody has used for ``idle_seconds`` is forgotten with its pictures. ``jobs`` run at a
    time; ``jobs_waiting`` and ``jobs_an_hour`` are a session's.
    """

    picture_bytes: int = 32 * MB
    picture_pixels: int = 50_000_000
    json_bytes: int = 4 * MB
    session_bytes: int = 256 * MB
    state_bytes: int = 2 * MB
    clip_bytes: int = 512 * MB
    clips: int = 4
    live_bytes: int = 16 * MB
    drawing_pixels: int = 4_194_304
    streams: int = 32
    connections: int = 8
    requests: int = 64
    pictures: int = 200
    results: int = 500
    result_bytes: int = 128 * MB
    client_bytes: int = 192 * MB
    all_bytes: int = 768 * MB
    decoded_bytes: int = 512 * MB
    sessions: int = 256
    idle_seconds: float = 24 * 3600
    waiting: int = 32
    jobs: int = 1
    jobs_waiting: int = 2
    jobs_an_hour: int = 12
    jobs_kept: int = 20

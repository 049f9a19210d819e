"""What stands before every request: whose it is, whether it may come from there, how much is read, how it is answered."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import json
import os
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from likeness.errors import LikenessError
from likeness.files import write_content
from likeness.studio.errors import StudioError, too_large
from likeness.studio.limits import Limits

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "likeness_session"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
ANYWHERE = ("0.0.0.0", "::", "")
FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip", b"via")
"""Headers that proxies add."""
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "font-src 'self'; connect-src 'self'{sockets}; worker-src 'self' blob:; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"x-frame-options": b"DENY",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(self), microphone=(), geolocation=()",
    b"cache-control": b"no-store",
}
LARGE = {"/api/v1/pictures": "picture_bytes", "/api/v1/session": "session_bytes", "/api/v1/clips": "clip_bytes"}
"""Where more may be sent than JSON: path → the limit's name."""
LINGER, DISCARDED = 2.0, 64_000_000
"""Seconds and bytes for which what a refused request still sends is read, and thrown away, before the answer."""


def is_loopback(host: str) -> bool:
    """Whether an address to listen at is this machine's own."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Access:
    """Who may come in: the names that the server may be called by, and the token, empty where none is needed.

    ``key`` signs sessions, so that nobody can make one up, and those of before are known after a restart. Bound elsewhere than to
    loopback the server may also be called by any address in numbers: a name that an attacker lets point here is none.
    """

    host: str = "127.0.0.1"
    token: str = ""
    names: tuple[str, ...] = ()
    key: bytes = field(default=b"", repr=False)

    def may_be_called(self, host: str) -> bool:
        """Whether ``host``, a header with or without port, is a name of this server."""
        name = hostname(host)
        if not name:
            return False
        if name in (*LOOPBACK, *self.names, self.host.lower()):
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or not is_loopback(self.host)

    def is_here(self, scope: Scope, headers: dict[bytes, str]) -> bool:
        """Whether a request comes from this machine itself and through no proxy: it may be told where programs lie."""
        peer = scope.get("client") or ("",)
        local = is_loopback(self.host) and is_loopback(peer[0]) and hostname(headers.get(b"host", "")) in LOOPBACK
        return local and not self.names and not any(name in headers for name in FORWARDED)

    def signed(self, client: str) -> str:
        """A session as its cookie's value."""
        key = hmac.digest(self.key, self.token.encode(), "sha256")
        return f"{client}.{hmac.new(key, client.encode(), hashlib.sha256).hexdigest()}"

    def session_of(self, cookie: str) -> str:
        """The session of a cookie's value; empty where it was not given by this server."""
        client, dot, _ = cookie.partition(".")
        if not dot or not 16 <= len(client) <= 64:
            return ""
        return client if hmac.compare_digest(self.signed(client).encode(), cookie.encode()) else ""


def hostname(host: str) -> str:
    """The name of a Host header, in small letters and without port and brackets; empty where it is none."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
        name = parts.hostname or ""
    except ValueError:
        return ""
    return "" if parts.path or parts.query or parts.fragment or "@" in host else name.lower().rstrip(".")


def key_in(work: Path) -> bytes:
    """The key that signs sessions, kept in the work folder; only its owner may read it."""
    path = work / "key"
    try:
        held = path.read_bytes()
        if len(held) == 32:
            return held
    except FileNotFoundError:
        pass
    except OSError as problem:
        raise LikenessError(f"{path}: cannot be read ({problem.strerror or problem})") from None
    made = secrets.token_bytes(32)
    work.mkdir(parents=True, exist_ok=True, mode=0o700)
    before = os.umask(0o077)
    try:
        write_content(path, made)
    finally:
        os.umask(before)
    return made


class Guard:
    """The outermost layer of the server, as ASGI has it."""

    def __init__(self, app: App, access: Access, limits: Limits) -> None:
        self.app, self.access, self.limits = app, access, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look at a request, and hand it on with its session in ``scope["state"]["client"]``."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        answer = self._dressed(send, headers.get(b"host", ""))
        try:
            client, fresh = self._admitted(scope, headers)
        except StudioError as problem:
            await refuse(scope, receive, answer, problem)
            return
        scope.setdefault("state", {}).update(client=client, here=self.access.is_here(scope, headers))
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
            return
        cookie = self.access.signed(client) if fresh else ""
        if (away := self._without_token(scope)) is not None:
            await answer_with(answer, 303, b"", {"location": away} | ({"set-cookie": self._cookie(cookie)} if cookie else {}))
            return
        most = getattr(self.limits, LARGE.get(scope["path"].rstrip("/"), "json_bytes"))
        length = headers.get(b"content-length", "0")
        if not (length.isascii() and length.isdigit()) or int(length) > most:
            await refuse(scope, receive, answer, too_large("the body", most))
            return
        await self.app(scope, bounded(receive, most), self._with_cookie(answer, cookie) if cookie else answer)

    def _admitted(self, scope: Scope, headers: dict[bytes, str]) -> tuple[str, bool]:
        """The session of a request, and whether it is a new one.

        Raises:
            StudioError: it may not be made.
        """
        host = headers.get(b"host", "")
        if not self.access.may_be_called(host):
            raise StudioError(f"this server is not called {host[:80]!r}; --allow-host NAME lets it be", 403)
        origin = headers.get(b"origin")
        if origin is not None and (
            urlsplit(origin).netloc.lower() != host.lower() or not origin.startswith(("http://", "https://"))
        ):
            raise StudioError("requests of other pages are not answered", 403)
        site = headers.get(b"sec-fetch-site", "none")
        if site not in ("none", "same-origin") and (scope["type"] == "websocket" or scope["path"].startswith("/api")):
            raise StudioError("requests of other pages are not answered", 403)
        if client := self.access.session_of(self._held(headers.get(b"cookie", ""))):
            return client, False
        if self.access.token and not hmac.compare_digest(self._shown(scope, headers).encode(), self.access.token.encode()):
            raise StudioError("a token is needed: open the address that was printed when the studio was started", 401)
        return secrets.token_urlsafe(16), True

    @staticmethod
    def _held(text: str) -> str:
        try:
            found = SimpleCookie(text)
        except CookieError:
            return ""
        return str(found[COOKIE].value) if COOKIE in found else ""

    @staticmethod
    def _shown(scope: Scope, headers: dict[bytes, str]) -> str:
        """The token that a request shows: in its header, or of the page in its address."""
        kind, _, token = headers.get(b"authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return token.strip()
        path = str(scope["path"])
        if scope["type"] == "http" and scope["method"] == "GET" and not path.startswith("/api"):
            return str(parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0])
        return ""

    def _without_token(self, scope: Scope) -> str | None:
        """Where a page leads that was opened with a token in its address: to itself without; None for anything else."""
        path = str(scope["path"])
        if scope["method"] != "GET" or path.startswith("/api"):
            return None
        query = parse_qs(scope["query_string"].decode("latin-1"))
        if "token" not in query:
            return None
        rest = urlencode([(key, one) for key, values in query.items() if key != "token" for one in values])
        # never to another server: a path that begins with two slashes would be one
        return "/" + path.lstrip("/") + (f"?{rest}" if rest else "")

    def _dressed(self, send: Send, host: str) -> Send:
        """``send`` with the headers that every answer has."""
        sockets = f" ws://{host} wss://{host}" if self.access.may_be_called(host) else ""
        policy = CONTENT_POLICY.format(sockets=sockets).encode("latin-1")

        async def dressed(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                own = [(name, value) for name, value in message.get("headers", []) if name.lower() not in HEADERS]
                message["headers"] = [*own, *HEADERS.items(), (b"content-security-policy", policy)]
            await send(message)

        return dressed

    @staticmethod
    def _cookie(value: str) -> str:
        return f"{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000"

    def _with_cookie(self, send: Send, value: str) -> Send:
        async def giving(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"set-cookie", self._cookie(value).encode())]
            await send(message)

        return giving


def bounded(receive: Receive, most: int) -> Receive:
    """``receive`` that refuses to hand on more than ``most`` bytes of a body, however it is sent."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > most:
                raise too_large("the body", most)
        return message

    return counted


async def refuse(scope: Scope, receive: Receive, send: Send, problem: StudioError) -> None:
    """Answer a request that may not be made; a WebSocket is closed before it is open."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 4403, "reason": str(problem)[:120]})
        return
    with suppress(TimeoutError):
        await asyncio.wait_for(_discard(receive), LINGER)
    content = json.dumps({"error": str(problem)}, ensure_ascii=False).encode()
    await answer_with(send, problem.status, content, {"content-type": "application/json", "connection": "close"})


async def _discard(receive: Receive) -> None:
    """Read what a refused request still sends: closing at once would take the answer from a client that is not done sending."""
    seen = 0
    while seen < DISCARDED:
        message = await receive()
        seen += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return


async def answer_with(send: Send, status: int, content: bytes, headers: dict[str, str]) -> None:
    """A whole answer."""
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    pairs.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": content})

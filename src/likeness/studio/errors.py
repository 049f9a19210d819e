"""What goes wrong, and the HTTP status that says so."""

from __future__ import annotations

from likeness.errors import LikenessError


class StudioError(LikenessError):
    """A mistake of the client's, with its HTTP ``status``; ``retry`` are seconds after which it may do."""

    def __init__(self, text: str, status: int = 400, retry: int = 0) -> None:
        super().__init__(text)
        self.status, self.retry = status, retry


def missing(what: str) -> StudioError:
    """There is no such thing, or it is another session's."""
    return StudioError(f"there is no such {what} in this session", 404)


def too_large(what: str, most: int) -> StudioError:
    """More bytes than are taken."""
    return StudioError(f"{what} is too large; at most {most / 1e6:.4g} MB are taken", 413)

"""What is remembered of a piece of work whose worker died."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path


class Trouble:
    """What is remembered of a piece whose worker died, so that one input that kills workers does not stop the run.

    At the first attempt a piece is worked on in batches; after that one by one, and what is being worked on is noted.
    An input at which two workers died is given up.
    """

    def __init__(self, folder: Path, number: int | str) -> None:
        self.path = folder / f"{number}.json"
        self.attempts, self.at = 0, -1
        self.deaths: dict[str, int] = {}
        with suppress(OSError, ValueError, KeyError, TypeError):
            self.attempts = 1  # it is there, and its end was perhaps not written
            held = json.loads(self.path.read_text())
            self.attempts, self.deaths = int(held["attempts"]), dict(held["deaths"])
            if held["at"] >= 0:
                self.deaths[str(held["at"])] = self.deaths.get(str(held["at"]), 0) + 1
        if not self.path.exists():
            self.attempts = 0
        self.attempts += 1
        self._write()

    @property
    def careful(self) -> bool:
        """Whether inputs are to be worked on one by one."""
        return self.attempts > 1

    def begin(self, number: int) -> bool:
        """Whether an input may be worked on; it is noted as the one that is."""
        if self.deaths.get(str(number), 0) >= 2:
            return False
        if self.careful:
            self.at = number
            self._write()
        return True

    def end(self) -> None:
        """The piece is done."""
        self.path.unlink(missing_ok=True)

    def _write(self) -> None:
        with suppress(OSError):
            self.path.parent.mkdir(exist_ok=True)
            self.path.write_text(json.dumps({"attempts": self.attempts, "at": self.at, "deaths": self.deaths}))

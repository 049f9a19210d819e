"""Old spellings of commands and options, each answered with the new one."""

from __future__ import annotations

from collections.abc import Sequence

COMMANDS: dict[tuple[str, ...], str] = {
    ("study", "ablation"): "study parts ablation",
    ("study", "baselines"): "study parts baselines",
    ("portrait", "study"): "study portrait",
    ("evaluate", "detector"): "evaluate landmark_detector",
    ("evaluate", "--real"): "evaluate folders --real",
    ("evaluate", "--fake"): "evaluate folders --fake",
}
"""First words, old → new."""

OPTIONS: dict[tuple[str, str], str] = {
    ("evaluate", "--stray"): "--perturb",
    ("evaluate", "--floors"): "--trivial-from",
    ("study", "--floors"): "--trivial-from",
}
"""Options of a command, old → new."""

WITHOUT_FILE: dict[tuple[str, str], str] = {
    ("evaluate", "--groups"): "it is written beside --csv FILE.csv, as FILE_groups.csv",
    ("study", "--curves"): "they are written beside --csv FILE.csv, as FILE_curves.csv",
}
"""Options that once took a file and take none now, and where it is written."""


def new_spelling(words: Sequence[str]) -> str:
    """The line that answers an old spelling, empty where there is none.

    >>> new_spelling(["study", "ablation", "--steps", "20"])
    'likeness study ablation is now: likeness study parts ablation'
    >>> new_spelling(["study", "parts", "ablation"])
    ''
    """
    for old, new in COMMANDS.items():
        if tuple(words[: len(old)]) == old:
            return f"likeness {' '.join(old)} is now: likeness {new}"
    for (command, flag), new in OPTIONS.items():
        if words and words[0] == command and flag in words:
            return f"{flag} is now: {new}"
    for (command, flag), where in WITHOUT_FILE.items():
        if words and words[0] == command and flag in words:
            after = words[words.index(flag) + 1 :][:1]
            if after and after[0].endswith(".csv"):
                return f"{flag} {after[0]}: {flag} takes no file now; {where}"
    return ""

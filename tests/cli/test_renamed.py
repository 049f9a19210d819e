"""An old spelling answers with the new one, in one line and with exit code 2."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from likeness.cli.renamed import COMMANDS


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("study", "ablation", "--steps", "20", "-o", "s"), "is now: likeness study parts ablation"),
        (("study", "baselines"), "is now: likeness study parts baselines"),
        (("portrait", "study", "effects"), "is now: likeness study portrait"),
        (("evaluate", "detector", "--real", "x"), "is now: likeness evaluate landmark_detector"),
        (("evaluate", "--real", "a", "--fake", "b"), "is now: likeness evaluate folders"),
        (("evaluate", "parts", "--data", "x", "--stray"), "--stray is now: --perturb"),
        (("evaluate", "parts", "--data", "x", "--floors", "y"), "--floors is now: --trivial-from"),
        (("evaluate", "parts", "--data", "x", "--groups", "g.csv"), "--groups takes no file now"),
        (("study", "parts", "ablation", "--curves", "c.csv", "-o", "s"), "--curves takes no file now"),
    ],
)
def test_old_spellings(
    words: tuple[str, ...], said: str, likeness: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert likeness(*words) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_new_spellings_exist() -> None:
    """What an old spelling is answered with is a command."""
    from likeness.cli import parser

    for new in COMMANDS.values():
        command, name = new.split()[:2]
        assert name in parser().commands()[command].filled().commands()  # type: ignore[attr-defined]


def test_words_that_cannot_be_read(likeness: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    for words, said in {
        ("evaluate", "nothing"): "invalid choice: 'nothing'",
        ("evaluate", "parts", "--split", "train", "--data", "x"): "invalid choice: 'train'",
        ("evaluate", "parts", "--limit", "few"): "invalid int value: 'few'",
        ("evaluate", "parts"): "--data FILE.parquet is needed",
        ("prepare", "cufs", "x"): "-o/--output",
    }.items():
        assert likeness(*words) == 2
        error = capsys.readouterr().err
        assert said in error and error.count("\n") == 1

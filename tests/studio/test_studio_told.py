"""What the page says and takes: what is missing here, pictures that cannot be used, and how one is removed."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import drop, painted, settled
from PIL import Image

from likeness.studio import job

pytest.importorskip("fastapi", reason="needs likeness[studio]")


def test_what_is_missing_is_told_with_the_pip_of_this_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """To somebody at this machine; others are not told where anything lies."""
    monkeypatch.setattr(job, "find_spec", lambda name: None if name == "torch" else object())
    pip = shutil.which("pip", path=str(Path(sys.executable).parent)) or "pip"
    assert job.possible(here=True) == {
        "reenact": True,
        "portrait": f"this needs torch: {pip} install 'likeness[train]', then start the studio anew",
    }
    assert job.possible()["portrait"] == "this needs torch: pip install 'likeness[train]', then start the studio anew"


def test_a_bench_says_up_front_what_it_lacks(page: Any) -> None:
    def without(route: Any) -> None:
        answer = route.fetch()
        lacks = {"reenact": "this needs av: pip A", "portrait": "this needs torch: pip B"}
        route.fulfill(response=answer, body=json.dumps({**answer.json(), "jobs": lacks}))

    page.route("**/api/v1/tables", without)
    page.reload()
    page.locator("#tab-portrait").click()
    assert "Nothing can be trained here yet: this needs torch: pip B." in page.locator(".board .empty .note").inner_text()
    page.locator("#tab-landmarks").click()
    assert "cannot be made as a whole here: this needs av: pip A." in page.locator(".side.left .note").inner_text()


def test_a_text_is_no_clip(page: Any, tmp_path: Path) -> None:
    page.locator("#tab-landmarks").click()
    (tmp_path / "notes.txt").write_text("no frames")
    page.locator('input[accept="video/*"]').set_input_files(tmp_path / "notes.txt")
    page.locator('p:has-text("notes.txt is no video")').wait_for()
    assert page.locator('button:has-text("Make the whole clip")').is_hidden()

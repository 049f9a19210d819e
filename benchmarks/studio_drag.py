"""How long a dragged landmark takes to show its face in a real browser: from the move of the pointer to the painted face.

Server, browser and page are on this machine; needs likeness[studio,browser] and chromium.

    python benchmarks/studio_drag.py [MOVES]
"""

from __future__ import annotations

import sys

import numpy as np
from studio_page import opened

WATCH = """() => {
  const bench = window.studio.active;
  window.moved = []; window.times = [];
  bench.canvas.element.addEventListener("pointermove", () => window.moved.push(performance.now()), true);
  const ask = bench.backend.live.ask.bind(bench.backend.live);
  bench.backend.live.ask = (stream, header, blobs, done, failed) => {
    const since = window.moved.at(-1);
    const painted = () => window.times.push(performance.now() - since);
    ask(stream, header, blobs, (answer) => { done(answer); requestAnimationFrame(painted); }, failed);
  };
}"""


def measured(moves: int) -> list[float]:
    """Milliseconds of every face that was painted while the mouth was dragged ``moves`` times."""
    with opened("landmarks") as page:
        page.evaluate(WATCH)
        box = page.locator(".stage").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.76
        page.mouse.move(x, y)
        page.mouse.down()
        for n in range(moves):
            page.mouse.move(x + 20 * ((n % 20) / 10 - 1), y + n % 7)
            page.wait_for_timeout(16)
        page.mouse.up()
        page.wait_for_timeout(500)
        times: list[float] = page.evaluate("window.times")
    return times


if __name__ == "__main__":
    moves = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    times = measured(moves)
    half, most = np.percentile(times, [50, 95])
    print(f"{len(times)} faces of {moves} moves; pointer to painted face: median {half:.0f} ms, 95th percentile {most:.0f} ms")

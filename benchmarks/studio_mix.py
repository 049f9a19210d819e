"""How long the bench of the joint model takes in a real browser: from a picture in a slot to the chosen face, and to all nine.

Server, browser and page are on this machine; needs likeness[studio,browser], chromium, and weights of joint.

    python benchmarks/studio_mix.py [CHANGES]
"""

from __future__ import annotations

import sys

import numpy as np
from studio_page import opened

CHANGE = """async (n) => {
  const bench = window.studio.active;
  const frame = () => new Promise(requestAnimationFrame);
  const seen = (keys) => keys.every((key) => bench.known.has(key) || bench.failed.has(key));
  const until = async (keys) => { while (!seen(keys())) await frame(); await frame(); return performance.now() - since; };
  bench.known.clear();
  const since = performance.now();
  if (n % 2) bench.vary("hair");
  else await bench.put("nose", window.studio.pictures[(n / 2) % window.studio.pictures.length].id);
  const first = await until(() => [bench.keysOf[bench.doc.chosen]]);
  return [first, await until(() => bench.keysOf)];
}"""
"""A change, of which no face is known yet: a nose, or every second time other hair."""


def measured(changes: int) -> np.ndarray:
    """Milliseconds to the chosen face and to all nine, of every change: N × 2."""
    with opened("make") as page:
        page.evaluate("window.studio.samples()")
        page.wait_for_timeout(2000)
        for n in range(12):  # every picture is read once
            page.evaluate(CHANGE, n)
        times = [page.evaluate(CHANGE, n) for n in range(changes)]
    return np.asarray(times)


if __name__ == "__main__":
    times = measured(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
    for words, one in (
        ("a nose put on: the chosen face", times[::2, 0]),
        ("all nine", times[::2, 1]),
        ("hair varied: all", times[1::2, 1]),
    ):
        half, most = np.percentile(one, [50, 95])
        print(f"{words}: median {half:.0f} ms, 95th percentile {most:.0f} ms of {len(one)}")

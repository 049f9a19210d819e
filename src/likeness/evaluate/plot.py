"""Plots by matplotlib, where it is installed, as PNG files' bytes."""

from __future__ import annotations

import io
from typing import Any


def plotting() -> Any:
    """Matplotlib's pyplot without a window, or None where it is not installed."""
    try:
        import matplotlib
    except ImportError:
        return None
    matplotlib.use("agg")
    from matplotlib import pyplot

    return pyplot


def png(figure: Any) -> bytes:
    """A figure as a PNG file, the same bytes each time; the figure is closed."""
    from matplotlib import pyplot

    figure.tight_layout()
    content = io.BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    pyplot.close(figure)
    return content.getvalue()

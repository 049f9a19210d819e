"""A weights file's networks written as ONNX graphs beside it."""

from likeness.export.onnx import export

__all__ = ["export"]

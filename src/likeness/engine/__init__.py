"""Engines: a trained system's networks as graphs, arrays in and arrays out.

:mod:`likeness.engine.onnx` runs the ONNX graphs that stand beside a weights file and needs no torch; :mod:`likeness.engine.torch`
builds the same graphs from the networks. Both give the same numbers to 1e-3.
"""

from likeness.engine.graph import Graph, Port
from likeness.engine.opening import ENGINES, Weights, open_weights

__all__ = ["ENGINES", "Graph", "Port", "Weights", "open_weights"]

"""The onnxruntime engine: ``NAME.onnx`` beside a weights file, whose tensors it points into."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from likeness.engine.graph import Array, Graph, Port, threads
from likeness.errors import LikenessError

WEIGHTS_KEY, PORTS_KEY = "likeness_weights_sha256", "likeness_ports"
"""A graph file's metadata: the SHA-256 of the weights that it belongs to, and its ports as JSON."""
PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "rocm": "ROCMExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
"""Devices, and the onnxruntime provider that serves each."""


def provider(device: str) -> list[str]:
    """The onnxruntime providers for a device; ``auto`` takes CUDA where it is there, else the processor.

    Raises:
        LikenessError: no such device, or this onnxruntime has no provider for it.
    """
    import onnxruntime

    have = onnxruntime.get_available_providers()
    name = device.partition(":")[0]
    if name == "auto":
        return [PROVIDERS[one] for one in ("cuda", "cpu") if PROVIDERS[one] in have]
    if name not in PROVIDERS:
        raise LikenessError(f"device {device!r}: there are auto, {', '.join(PROVIDERS)}")
    if PROVIDERS[name] not in have:
        usable = ", ".join(key for key, value in PROVIDERS.items() if value in have)
        raise LikenessError(f"device {device!r}: this onnxruntime has no provider for it; it has {usable}")
    return [PROVIDERS[name], *(["CPUExecutionProvider"] if name != "cpu" else [])]


class OnnxGraph(Graph):
    """A graph file, opened.

    Args:
        path: ``NAME.onnx``; its weights stand beside it.
        digest: SHA-256 of the weights' tensors, which the graph has to name.
        device: see :func:`provider`; ``cuda:1`` chooses the second card.
    """

    def __init__(self, path: Path, digest: str, device: str = "auto") -> None:
        import onnxruntime

        self.name = path.stem
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads(), 1
        options.log_severity_level = 4
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads must not slow other programs
        options.add_session_config_entry("session.disable_quant_qdq", "1")  # int8 rows become float32 once, when it is opened
        providers: list[Any] = list(provider(device))
        if number := device.partition(":")[2]:
            providers[0] = (providers[0], {"device_id": number})
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers)
        except Exception as problem:  # onnxruntime raises its own classes, one for each status
            first = str(problem).strip().splitlines()[0]
            raise LikenessError(f"{path}: is damaged or not a graph of likeness ({first[:200]})") from None
        notes = self._session.get_modelmeta().custom_metadata_map
        if notes.get(WEIGHTS_KEY) != digest:
            raise LikenessError(f"{path}: belongs to other weights than those beside it; write it anew: likeness export FOLDER")
        try:
            ports = json.loads(notes[PORTS_KEY])
            self.inputs, self.outputs = (
                tuple(Port(**{**one, "shape": tuple(one["shape"])}) for one in ports[side]) for side in ("inputs", "outputs")
            )
        except (KeyError, TypeError, ValueError):
            raise LikenessError(f"{path}: is not a graph of likeness, its ports are missing") from None

    def compute(self, feeds: Mapping[str, Array]) -> Sequence[Array]:
        """See :class:`likeness.engine.graph.Graph`."""
        found: Sequence[Array] = self._session.run([port.name for port in self.outputs], dict(feeds))
        return found

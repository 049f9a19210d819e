"""The onnxruntime engine: ``NAME.onnx`` beside a weights file, whose tensors it points into."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from likeness.engine.graph import Array, Graph, Port, threads
from likeness.errors import LikenessError

WEIGHTS_KEY, PORTS_KEY, GRAPH_KEY = "likeness_weights_sha256", "likeness_ports", "likeness_graph_sha256"
"""A graph file's metadata: the SHA-256 of the weights that it belongs to, its ports as JSON, and the graph's own SHA-256."""
INT8 = ".int8"
"""What a graph's name ends in where it computes in int8, see :mod:`likeness.export.int8`."""
UNSEALED = "0" * 64
"""What stands for a graph's own SHA-256 while it is computed over the whole file, see :func:`sealed`."""
SMALL = 500_000
"""Bytes of a weights file up to which its graphs compute on one thread: to share out so little costs more than it gains."""
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
    name, _, number = device.partition(":")
    if number and not (number.isascii() and number.isdigit()):
        raise LikenessError(f"device {device!r}: write the number of the card as in cuda:1")
    if name == "auto":
        return [PROVIDERS[one] for one in ("cuda", "cpu") if PROVIDERS[one] in have]
    if name not in PROVIDERS:
        raise LikenessError(f"device {device!r}: there are auto, {', '.join(PROVIDERS)}")
    if PROVIDERS[name] not in have:
        usable = ", ".join(key for key, value in PROVIDERS.items() if value in have)
        raise LikenessError(f"device {device!r}: this onnxruntime has no provider for it; it has {usable}")
    return [PROVIDERS[name], *(["CPUExecutionProvider"] if name != "cpu" else [])]


def sealed(content: bytes) -> bytes:
    """A graph file whose metadata hold :data:`UNSEALED` under :data:`GRAPH_KEY`, with its SHA-256 in that place."""
    return content.replace(UNSEALED.encode(), hashlib.sha256(content).hexdigest().encode(), 1)


def check_sealed(path: Path, digest: str) -> None:
    """Refuse a graph file that is not as it was written, or not for these weights; before anything else reads it.

    Args:
        path: the graph file.
        digest: SHA-256 of the weights' tensors.

    Raises:
        LikenessError: it cannot be read, is damaged, not a graph of likeness, or one of other weights.
    """
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise LikenessError(f"{path}: cannot be read ({problem.strerror or problem})") from None
    seal, weights = (_note(content, key) for key in (GRAPH_KEY, WEIGHTS_KEY))
    if hashlib.sha256(content.replace(seal, UNSEALED.encode(), 1)).hexdigest().encode() != seal:
        raise LikenessError(f"{path}: is damaged or not a graph of likeness; write it anew: likeness export {path.parent}")
    if weights != digest.encode():
        raise LikenessError(
            f"{path}: belongs to other weights than those beside it; write it anew: likeness export {path.parent}"
        )


def _note(content: bytes, key: str) -> bytes:
    """A hash among a graph file's metadata (in protobuf: the key, the second field's tag, its 64 bytes' length, the value)."""
    before, _, after = content.rpartition(key.encode() + b"\x12\x40")
    return after[:64] if before else b""


class OnnxGraph(Graph):
    """A graph file, opened.

    onnxruntime itself refuses tensors that lie outside the file's folder (from 1.25 on).

    Args:
        path: ``NAME.onnx``; its weights stand beside it.
        digest: SHA-256 of the weights' tensors, which the graph has to name.
        device: see :func:`provider`; ``cuda:1`` chooses the second card.
        small: whether it computes on one thread, see :data:`SMALL`.

    Raises:
        LikenessError: no such device, or the file is damaged, not a graph of likeness, or one of other weights.
    """

    def __init__(self, path: Path, digest: str, device: str = "auto", small: bool = False) -> None:
        check_sealed(path, digest)
        import onnxruntime

        self.name = path.stem.removesuffix(INT8)
        int8 = path.stem.endswith(INT8)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = 1 if small else threads(), 1
        options.log_severity_level = 4
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads must not slow other programs
        # int8 rows become float32 once, when it is opened, but for a graph that computes in int8
        options.add_session_config_entry("session.disable_quant_qdq", "0" if int8 else "1")
        providers: list[Any] = list(provider(device))
        if number := device.partition(":")[2]:
            providers[0] = (providers[0], {"device_id": number})
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers, enable_fallback=0)
            notes = self._session.get_modelmeta().custom_metadata_map
        except Exception as problem:  # onnxruntime raises its own classes, one for each status
            first = next(iter(str(problem).strip().splitlines()), type(problem).__name__)
            raise LikenessError(f"{path}: is not a graph of likeness, or not one for these weights ({first[:200]})") from None
        try:
            ports = json.loads(notes[PORTS_KEY])
            self.inputs, self.outputs = (
                tuple(Port(**{**one, "shape": tuple(one["shape"])}) for one in ports[side]) for side in ("inputs", "outputs")
            )
        except (KeyError, TypeError, ValueError):
            raise LikenessError(f"{path}: is not a graph of likeness, its ports are missing") from None
        for told, there in ((self.inputs, self._session.get_inputs()), (self.outputs, self._session.get_outputs())):
            if [(port.name, len(port.shape)) for port in told] != [(one.name, len(one.shape)) for one in there]:
                raise LikenessError(f"{path}: is not a graph of likeness, its ports are not those that it names")

    def compute(self, feeds: Mapping[str, Array]) -> Sequence[Array]:
        """See :class:`likeness.engine.graph.Graph`."""
        try:
            found: Sequence[Array] = self._session.run([port.name for port in self.outputs], dict(feeds))
        except Exception as problem:  # see above
            first = next(iter(str(problem).strip().splitlines()), type(problem).__name__)
            raise LikenessError(f"the graph {self.name} cannot be run ({first[:200]})") from None
        return found

"""Sums, counts and means over the processes of a training, each of which has its own rows.

A loss is a mean over rows, and the mean of the processes' gradients is that of one process with all rows, as long as every
process divides by as many rows. Where it divides by a *count* that depends on the rows, such as that of the faces in the
pictures, it takes :func:`share_of` the count. Every process has to ask, and in the same order; in one process the answer is
what was asked.
"""

from __future__ import annotations

from torch import Tensor, distributed

from likeness.errors import LikenessError


def processes() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def reduced(values: Tensor, how: str = "SUM") -> Tensor:
    """``values`` of all processes put together, number by number, by ``SUM``, ``MIN`` or ``MAX``; in place.

    Raises:
        LikenessError: another process has ended.
    """
    if distributed.is_initialized():
        try:
            distributed.all_reduce(values, getattr(distributed.ReduceOp, how))
        except RuntimeError as problem:
            first = (str(problem).splitlines() or [type(problem).__name__])[0]
            raise LikenessError(
                "another process of this training has ended or cannot be reached; the same command, wherever it was started, "
                f"goes on from the last saved state ({first[-120:]})"
            ) from None
    return values


def mean_over_processes(value: Tensor) -> Tensor:
    """The mean of numbers over the processes; no gradient goes through."""
    value, count = value.detach(), processes()
    return value if count == 1 else reduced(value.clone()) / count


def share_of(count: Tensor) -> Tensor:
    """Of what is counted, a process's share: the count of all processes, at least 1, divided by how many they are.

    Sums over a process's rows that are divided by it average over the processes to the mean over all that was counted.
    """
    return mean_over_processes(count.float()).clamp(min=1 / processes())

"""The same by Ray Data: ``map_batches`` over the pieces' numbers, with actors that have the job open."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import islice
from typing import Any

from likeness.errors import LikenessError
from likeness.shards.job import THREADS, Job, Line, one_thread

WAVE = 4096
"""Pieces that Ray Data plans at a time, so that the driver's memory does not grow with their number."""
MOST_ERRORS = 50
"""Failed attempts of a piece until the run ends; an actor that dies is started anew and its piece comes again."""

MOST_FAILED_STARTS = 3
"""Actors in a row that may not come up, as on a machine that is too busy to start them in Ray's time, until the run ends."""


class Worker:
    """An actor: it has the job open, on one thread."""

    def __init__(self, job: Job) -> None:
        self._threads = one_thread()
        self._threads.__enter__()
        self._do = job.open()

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The pieces of some numbers."""
        numbers = [int(number) for number in batch["number"]]
        return {"number": numbers, "line": [json.dumps(self._do(number)) for number in numbers]}


def run(job: Job, numbers: Iterable[int], workers: int | None = None, address: str | None = None) -> Iterator[tuple[int, Line]]:
    """Do the pieces of these numbers on a Ray cluster; as :func:`likeness.shards.pool.run`.

    Each actor counts as one processor. What the job reads and writes must be there under the same names on every host.

    Args:
        job: the work.
        numbers: of the pieces that are to be done.
        workers: how many actors; by default one a processor of the cluster.
        address: of the cluster, such as ``auto``; None takes ``RAY_ADDRESS``, or starts a cluster of this machine.

    Raises:
        LikenessError: Ray is not installed, there is no such cluster, or the job's own.
    """
    ray: Any
    try:
        ray = import_module("ray")
    except ImportError:
        raise LikenessError("--engine ray needs Ray: pip install 'likeness[bulk]'") from None
    begun = not ray.is_initialized()
    if begun:
        _begin(ray, workers, address)
    try:
        waiting = iter(numbers)
        count = max(1, workers or int(ray.cluster_resources().get("CPU", 1)))
        while wave := list(islice(waiting, WAVE)):
            yield from _wave(ray, job, wave, min(count, len(wave)))
    finally:
        if begun:
            ray.shutdown()


def _begin(ray: Any, workers: int | None, address: str | None) -> None:
    address = address or os.environ.get("RAY_ADDRESS") or None
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # as it will be; else Ray warns of it
    # "local": by itself Ray would join a cluster that was once started on this machine, and refuse to be told its size
    more: dict[str, Any] = (
        {"address": address} if address else {"address": "local", "num_cpus": workers, "include_dashboard": False}
    )
    variables = dict.fromkeys(THREADS, "1")
    try:
        ray.init(log_to_driver=False, logging_level=logging.ERROR, runtime_env={"env_vars": variables}, **more)
    except ConnectionError as problem:
        why = str(problem).splitlines()[0][:120]
        raise LikenessError(
            f"no Ray cluster answers at {address} ({why}); where it asks for a token, set RAY_AUTH_MODE=token"
        ) from None
    except Exception as problem:  # Ray's own is a plain one, such as of a machine that is too busy to start it in time
        raise _told(problem) from None


def _wave(ray: Any, job: Job, numbers: list[int], count: int) -> Iterator[tuple[int, Line]]:
    """Some thousand pieces as a data set with a block each, so that one is the unit of going wrong."""
    import_module("ray.data")
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.max_consecutive_actor_init_deaths = MOST_FAILED_STARTS
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    data = ray.data.from_items([{"number": number} for number in numbers], override_num_blocks=len(numbers))
    done = data.map_batches(
        Worker,
        fn_constructor_args=(job,),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=count, max_tasks_in_flight_per_actor=2),
        num_cpus=1,
        max_restarts=MOST_ERRORS,
        max_task_retries=MOST_ERRORS,
    )
    try:
        for row in done.iter_rows():
            yield int(row["number"]), json.loads(row["line"])
    except ray.exceptions.RayError as problem:
        raise _told(problem) from None


def _told(problem: BaseException) -> Exception:
    """A job's own refusal out of what Ray wraps round it, or that the cluster is not well."""
    inner: BaseException | None = problem
    while inner is not None:
        if isinstance(inner, LikenessError):
            return LikenessError(str(inner).splitlines()[-1].removeprefix("likeness.errors.LikenessError: "))
        inner = getattr(inner, "cause", None) or inner.__cause__
    first = next((line for line in reversed(str(problem).splitlines()) if line.strip()), type(problem).__name__)
    return LikenessError(f"Ray gave up ({first.strip()[:200]}); the same command goes on")

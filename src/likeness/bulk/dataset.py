"""A labelled set of faces of people who do not exist, for training recognisers: folders, a person each, or Parquet.

Who they are is sampled away from everybody whom the weights have learned from (:mod:`likeness.systems.facefeat.people`), and
each made face is compared with these people once more.

```
OUTPUT/000000/0000.png … rows.jsonl   a person's faces, and how each was made
OUTPUT.parquet/000000.parquet         rows of some people: image, person, nearest and the columns of bulk making
README.md                             the data set's card
_likeness/people.safetensors          f_id of all, sampled once, so that a run that goes on makes the same people
```
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save

from likeness import systems
from likeness.bulk import making, parquet
from likeness.bulk.output import STATE, Shards
from likeness.card import DIGEST, header
from likeness.engine.graph import Array
from likeness.errors import LikenessError
from likeness.files import write_content
from likeness.image import check_writable
from likeness.shards.job import Job, Line
from likeness.shards.running import Crew
from likeness.synthesizer import Prepared, Result
from likeness.systems.facefeat.people import People
from likeness.systems.facefeat.synthesis import FaceFeatSynthesizer
from likeness.version import __version__

TOGETHER = 32
"""People in a Parquet file."""
MOST_PEOPLE, MOST_EACH = 1_000_000, 10_000
COLUMNS = {"person": "int64", "nearest": "float32"}


@dataclass(frozen=True)
class Report:
    """What was made: ``people`` and ``faces``, of which ``resumed`` were there before; seconds of this call.

    ``apart`` is the cosine with a training person that no sampled person exceeds; ``nearest`` the largest of all made faces, and
    ``too_near`` how many faces exceed ``apart``. All are by E_id, which is no independent judge.
    """

    people: int
    faces: int
    resumed: int
    seconds: float
    apart: float
    nearest: float
    too_near: int


@dataclass(frozen=True)
class PeopleJob(Job):
    """All that a worker has to know: piece N is the people from N · ``together`` on, ``each`` faces of each."""

    folder: str
    suffix: str
    weights: str
    digest: str
    people: int
    each: int
    together: int
    seed: int
    engine: str = "auto"
    device: str = "auto"

    def open(self) -> Callable[[int], Line]:
        """See :class:`likeness.shards.job.Job`."""
        return Worker(self)


class Worker:
    """One session."""

    def __init__(self, job: PeopleJob) -> None:
        self.job, self.shards = job, Shards(Path(job.folder), job.suffix, COLUMNS)
        self.system, self.people = _opened(job.weights, job.engine, job.device)
        if self.system.weights.digest != job.digest:
            raise LikenessError(f"{job.weights}: are other weights than those that the run began with; choose another output")
        self.identities = load_file(self.shards.state / "people.safetensors")["identity"]

    def __call__(self, number: int) -> Line:
        """Make the people of a piece, unless its shard is there already."""
        if self.shards.path(number).exists():
            return self.shards.told(number)
        lines: list[dict[str, Any]] = []
        pictures: list[bytes | None] = []
        first = number * self.job.together
        for person in range(first, min(first + self.job.together, self.job.people)):
            results = self.system.make([self._prepared(person, face) for face in range(self.job.each)])
            near = self.people.nearest(self.system.identities(np.stack([one.picture for one in results])))
            for face, (result, cosine) in enumerate(zip(results, near.tolist(), strict=True)):
                pictures.append(result.encoded(self.job.suffix))
                lines.append(self._line(person, face, result, cosine, pictures[-1] or b""))
        return self.shards.write(number, lines, pictures)

    def _prepared(self, person: int, face: int) -> Prepared:
        seed = (self.job.seed * 1_000_003 + person * self.job.each + face) % 2**31
        pose, general = self.system.drawn(seed)
        arrays = {"identity": self.identities[person], "pose": pose, "general": general}
        return Prepared(arrays, {}, self.system.said(conditions={"identity": f"sampled, person {person}"}, noise=seed))

    def _line(self, person: int, face: int, result: Result, nearest: float, picture: bytes) -> dict[str, Any]:
        return {
            "number": person * self.job.each + face,
            "input": f"person {person}",
            "content": hashlib.sha256(picture).hexdigest(),
            "file": f"{face:04d}{self.job.suffix}",
            "reason": None,
            "made": json.dumps(dict(result.made), ensure_ascii=False),
            "person": person,
            "nearest": round(nearest, 4),
        }


def dataset(
    weights: str,
    output: str | Path,
    *,
    people: int = 1000,
    each: int = 20,
    seed: int = 0,
    apart: float | None = None,
    suffix: str = ".png",
    crew: Crew | None = None,
    engine: str = "auto",
    device: str = "auto",
    progress: Callable[..., None] = lambda done, total, text="": None,
) -> Report:
    """Write faces of people who do not exist; the same call goes on after an interruption, however hard.

    >>> report = dataset("facefeat", "faces", people=1000, each=20)  # doctest: +SKIP

    Args:
        weights: facefeat's, with ``people.safetensors`` beside them.
        output: a folder, of Parquet where its name ends in ``.parquet``, else of a folder of pictures a person.
        people: how many.
        each: faces of each.
        seed: the chance in who they are and in their faces.
        apart: the cosine of f_id that no training person and no other sampled person may exceed; by default that at which half of
            the validation people have their nearest training person.
        suffix: of the pictures.
        crew: who works; by default a process a core.
        engine: as in :func:`likeness.systems.load`.
        device: likewise.
        progress: called with (done, total, text).

    Raises:
        LikenessError: the output or the weights cannot be used, or so many people cannot be found.
    """
    check_writable(f"picture{suffix}")
    for word, value, most in (("--people", people, MOST_PEOPLE), ("--each", each, MOST_EACH)):
        if not 1 <= value <= most:
            raise LikenessError(f"{word} {value}: a number from 1 to {most} is needed")
    path = systems.weights_path(weights)
    system, known = _opened(weights, engine, device)
    limit = known.apart if apart is None else apart
    shards = Shards(Path(output).absolute(), suffix, COLUMNS)
    if shards.as_parquet:
        parquet.check()
    together = TOGETHER if shards.as_parquet else 1
    digest = header(path).get(DIGEST, "")
    plan: dict[str, Any] = {
        "weights": digest,
        "people": people,
        "each": each,
        "seed": seed,
        "apart": round(limit, 6),
        "suffix": suffix,
        "shard": together,
    }
    job = PeopleJob(str(shards.folder), suffix, str(path), digest, people, each, together, seed, engine, device)
    pieces = -(-people // together)

    def begin() -> tuple[int, int]:
        identities = known.sample(people, seed, limit)
        write_content(shards.state / "people.safetensors", save({"identity": identities}))
        return people * each, pieces

    near: list[float] = []

    def end() -> None:
        near.extend(value for number in range(pieces) for value in shards.column(number, "nearest"))
        identities = load_file(shards.state / "people.safetensors")["identity"]
        text = card(system, plan, known.nearest(identities), np.array(near), shards.as_parquet)
        write_content(shards.folder / "README.md", text)

    done = making.run(shards, plan, str(output), begin, job, crew or Crew(), progress, end)
    too_near = sum(value > limit for value in near)
    return Report(people, done.made, done.resumed, done.seconds, limit, max(near), too_near)


def card(system: FaceFeatSynthesizer, plan: dict[str, Any], identities: Array, faces: Array, as_parquet: bool) -> str:
    """The data set's card, in the form that Hugging Face reads.

    Args:
        system: what made the faces.
        plan: of the run.
        identities: of each sampled person the cosine with the nearest training person.
        faces: the same of each made face.
        as_parquet: whether the set is Parquet.
    """
    says, limit = system.card, plan["apart"]
    folders = "A folder a person; its `rows.jsonl` says how each face was made"
    layout = "Parquet: `image`, the label `person`, and `nearest`" if as_parquet else folders
    known, near = len(system.people.train) if system.people else 0, int((faces > limit).sum())
    head = {"pretty_name": f"{plan['people']} synthetic people", "license": "other", "tags": "[synthetic, faces]"}
    return "\n".join(
        (
            "---",
            *(f"{name}: {value}" for name, value in head.items()),
            "---",
            f"# {plan['people']} people who do not exist, {plan['each']} faces of each",
            "",
            f"Made by likeness {__version__}: {says.system}, recipe {says.recipe.get('name', '')} at step {says.step}, weights",
            f"{plan['weights'][:16]}, seed {plan['seed']}. Every picture carries a mark of provenance.",
            "",
            f"* **Layout.** {layout}. The same plan (`{STATE}/plan.json`) makes the same people.",
            f"* **Who they are.** f_id was drawn from the normal distribution of {known} training people's, and kept where",
            f"  its cosine with each of these and with each other person is at most {limit:.3f}.",
            "* **Nearest training person**, a cosine by the weights' own E_id, no independent judge: of the sampled f_id",
            f"  {identities.mean():.3f} on average and {identities.max():.3f} at most; of f_id read from the made faces",
            f"  {faces.mean():.3f} on average and {faces.max():.3f} at most, above {limit:.3f} in {near} of {len(faces)}.",
            f"* **Licence** of the weights, and so of these pictures: {says.licence}. {says.terms}".rstrip(),
            "* **Not for** telling who somebody is without consent. The faces have the bias of what the weights learned from.",
            "",
        )
    )


def _opened(weights: str, engine: str, device: str) -> tuple[FaceFeatSynthesizer, People]:
    system = systems.load(weights, "facefeat", engine, device)
    assert isinstance(system, FaceFeatSynthesizer)
    if system.people is None:
        how = f"likeness calibrate {weights} --data FILE.parquet"
        raise LikenessError(f"{weights}: nothing beside these weights says whom they learned from; write it: {how}")
    return system, system.people

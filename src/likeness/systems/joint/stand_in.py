"""The joint model behind the conditions of a system that takes one kind of them: ``--weights joint`` of its commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from likeness.errors import LikenessError
from likeness.synthesizer import FromParts, Prepared, Result, Synthesizer
from likeness.systems.joint.synthesis import PARTS, JointSynthesizer

Values = dict[str, Any]


class StandIn(FromParts):
    """Takes the requests of another system, of which ``of`` makes requests of the joint model; not its condition ``without``.

    Options of the other system that the joint model has no counterpart for are refused where they are used.
    """

    def __init__(
        self, joint: JointSynthesizer, kind: type[Synthesizer], of: Callable[[Values], Values], without: str = ""
    ) -> None:
        super().__init__(joint.weights)
        self.joint, self.framing, self.widths, self._of = joint, joint.framing, joint.widths, of
        taken = tuple(one for one in kind.conditions if one.name != without)
        self.conditions, self.options = taken, kind.options  # type: ignore[misc] # of this very one

    def prepare(self, request: Mapping[str, Any]) -> Prepared:
        """See :meth:`likeness.synthesizer.Synthesizer.prepare`."""
        given, options = self.chosen(request)
        usual = {one.name: one.default for one in self.options}
        return self.joint.prepare(self._of({**given, **{name: value for name, value in options.items() if value != usual[name]}}))

    def make(self, requests: Sequence[Prepared]) -> list[Result]:
        """See :meth:`likeness.synthesizer.Synthesizer.make`."""
        return self.joint.make(requests)


def stand_in(joint: JointSynthesizer, system: str) -> Synthesizer:
    """The joint model in the place of ``parts`` or ``portrait``."""
    from likeness import systems

    return StandIn(joint, systems.row(system).synthesizer_class(), *REQUESTS[system])


def of_parts(request: Values) -> Values:
    """Photo and ``only`` as parts; parts of others go on as they are."""
    if unknown := sorted(set(request) - {"photo", "only", "face", *PARTS}):
        raise LikenessError(f"{unknown[0]}: the joint model lays parts where the average face has them; leave it out")
    made = {name: value for name, value in request.items() if name not in ("photo", "only")}
    if "photo" not in request:
        return made
    only = request.get("only")
    return {**({"parts": request["photo"]} if not only else dict.fromkeys(only, request["photo"])), **made}


REQUESTS: dict[str, tuple[Any, ...]] = {"parts": (of_parts,), "portrait": (dict, "photo")}
"""System → what makes its request one of the joint model, and its condition that has no counterpart: no drawings are made."""

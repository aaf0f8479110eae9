"""Edits as a page knows them: {"kind": "ablate_head", "layer": 3, "head": 2}, the function that makes one and its arguments.

What JSON cannot hold, a patch's source or a steering vector, stays here and goes by a number: {"held": 0}. Arguments
that have their default are left out, so that an edit has one form only. Edits that a page cannot name by itself carry
their code. Not about what edits do: that is `gptviz/intervention.py`.
"""

from collections.abc import Iterable
from dataclasses import MISSING, fields
from typing import Any

from gptviz.errors import WrongType, fail
from gptviz.trace.trace import Trace

Spec = dict[str, Any]
_SWITCHES = ("ablate_head", "ablate_mlp")


class EditList:
    """Goes from edits to what travels and back, and keeps what does not travel."""

    def __init__(self) -> None:
        self._held: list[Any] = []

    def hold(self, value: Any) -> Spec:
        """The value by its number."""
        for number, held in enumerate(self._held):
            if held is value:
                return {"held": number}
        self._held.append(value)
        return {"held": len(self._held) - 1}

    def specs(self, edits: Iterable[Any]) -> list[Spec]:
        """What travels."""
        from gptviz.intervention.edits import check_edits  # it knows torch; a saved trace is looked at without

        return [self._spec(edit) for edit in check_edits(list(edits))]

    def _spec(self, edit: Any) -> Spec:
        spec: Spec = {"kind": edit.call}
        for field in fields(edit):
            value = getattr(edit, field.name)
            if field.default is MISSING or value != field.default:
                big = isinstance(value, Trace) or field.name == "vector"
                spec[field.name] = self.hold(value) if big else list(value) if isinstance(value, tuple) else value
        plain = edit.call in _SWITCHES and "to" not in spec
        return spec if plain else spec | {"code": repr(edit)}

    def values(self, specs: Any) -> tuple[Any, ...]:
        """The edits. Whatever the page says, what is no edit is refused in words."""
        if not isinstance(specs, list):
            raise fail("a list of edits", type(specs).__name__, "Reload the page.", WrongType)
        return tuple(self._value(spec) for spec in specs)

    def _value(self, spec: Any) -> Any:
        from gptviz.intervention.edits import Edit

        kinds = {kind.call: kind for kind in Edit.__subclasses__()}
        if not isinstance(spec, dict) or spec.get("kind") not in kinds:
            raise fail(f"an edit among {', '.join(kinds)}", f"{spec!r:.60}", "Reload the page.", WrongType)
        given = {name: self._found(value) for name, value in spec.items() if name not in ("kind", "code")}
        try:
            return kinds[spec["kind"]](**given)
        except TypeError as error:
            raise fail(f"the arguments of {spec['kind']}", str(error), "Reload the page.", WrongType) from error

    def _found(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        number = value.get("held")
        if not isinstance(number, int) or not 0 <= number < len(self._held):
            raise fail("what an edit takes its numbers from", f"{value!r:.60}", "Make the edit again.", WrongType)
        return self._held[number]

    def renew(self, specs: list[Spec]) -> list[Spec]:
        """The same edits, with nothing held that they do not need."""
        edits = self.values(specs)
        self._held = []
        return self.specs(edits) if edits else []


def names_a_position(spec: Spec) -> bool:
    """Whether the edit is of one prompt only."""
    return "position" in spec or "query" in spec


def fits(spec: Spec, trace: Trace) -> bool:
    """Whether the model of this trace has such a layer and head. The stream has one depth more than there are layers."""
    depths = trace.n_layers + (spec["kind"] in ("patch", "steer"))
    return spec["layer"] < depths and (spec.get("head") or 0) < trace.n_heads

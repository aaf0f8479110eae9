"""Converts edits to dictionaries for the page and back: {"kind": "ablate_head", "layer": 3, "head": 2}.

A dictionary holds the name of the function that makes the edit, and its arguments without those that equal their default.
The source of a patch and a steering vector do not fit into JSON; they stay in Python and travel as a number: {"held": 0}.
Edits that the page cannot name by itself carry their code.
"""

from collections.abc import Iterable
from dataclasses import MISSING, fields
from typing import Any

from gptviz.checks import check_index
from gptviz.errors import GPTVizError, WrongType, fail
from gptviz.trace.trace import Trace

Spec = dict[str, Any]
_NAMED_BY_THE_PAGE = ("ablate_head", "ablate_mlp")


class EditList:
    """Converts edits to specs and back, and holds the values that do not travel."""

    def __init__(self) -> None:
        self._held: list[Any] = []

    def hold(self, value: Any) -> Spec:
        """Holds a value and returns its number as a spec; the same value keeps its number."""
        for number, held in enumerate(self._held):
            if held is value:
                return {"held": number}
        self._held.append(value)
        return {"held": len(self._held) - 1}

    def specs(self, edits: Iterable[Any]) -> list[Spec]:
        """Returns the specs of these edits."""
        # Imported here since it imports torch, without which a saved trace can be shown.
        from gptviz.intervention.edits import check_edits

        return [self._spec(edit) for edit in check_edits(list(edits))]

    def _spec(self, edit: Any) -> Spec:
        spec: Spec = {"kind": edit.call}
        for field in fields(edit):
            value = getattr(edit, field.name)
            if field.default is MISSING or value != field.default:
                must_be_held = isinstance(value, Trace) or field.name == "vector"
                spec[field.name] = self.hold(value) if must_be_held else _for_json(value)
        named_by_the_page = edit.call in _NAMED_BY_THE_PAGE and not {"to", "position"} & spec.keys()
        return spec if named_by_the_page else spec | {"code": repr(edit)}

    def values(self, specs: Any) -> tuple[Any, ...]:
        """Returns the edits of these specs; raises GPTVizError for anything else that a page may send."""
        if not isinstance(specs, list):
            raise fail("a list of edits", type(specs).__name__, "Reload the page.", WrongType)
        return tuple(self._value(spec) for spec in specs)

    def _value(self, spec: Any) -> Any:
        from gptviz.intervention.edits import Edit  # here since it imports torch

        kinds = {kind.call: kind for kind in Edit.__subclasses__()}
        kind = spec.get("kind") if isinstance(spec, dict) else None
        if not isinstance(kind, str) or kind not in kinds:
            raise fail(f"an edit among {', '.join(kinds)}", f"{spec!r:.60}", "Reload the page.", WrongType)
        arguments = {name: self._unheld(value) for name, value in spec.items() if name not in ("kind", "code")}
        try:
            return kinds[kind](**arguments)
        except TypeError as error:
            raise fail(f"the arguments of {kind}", str(error), "Reload the page.", WrongType) from error

    def _unheld(self, value: Any) -> Any:
        """Returns the held value that a spec {"held": number} stands for; any other value unchanged."""
        if not isinstance(value, dict):
            return value
        try:
            return self._held[check_index(value.get("held"), len(self._held), "held value")]
        except GPTVizError as error:
            expected = "the number of a prompt or vector of an edit"
            raise fail(expected, f"{value!r:.60}", "Make the edit again.", WrongType) from error

    def renew(self, specs: list[Spec]) -> list[Spec]:
        """Returns the specs of the same edits after releasing every held value that they do not need."""
        edits = self.values(specs)
        self._held = []
        return self.specs(edits) if edits else []


def _for_json(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def names_a_position(spec: Spec) -> bool:
    """Returns whether the edit acts at one position, and so belongs to one prompt only."""
    return "position" in spec or "query" in spec


def fits(spec: Spec, trace: Trace) -> bool:
    """Returns whether the model of this trace has the edit's stack, layer and head."""
    layer, stack, in_stream = spec["layer"], spec.get("stack", "decoder"), spec["kind"] in ("patch", "steer")
    if stack not in trace.stacks:
        return False
    edited = trace.of_stack(stack)
    if layer == edited.n_layers:
        return in_stream  # the stream has one depth more than there are layers
    return layer < edited.n_layers and (spec.get("head") is None or spec["head"] < edited.heads_in(layer))

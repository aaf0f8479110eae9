"""What views have that edit a pass: one list of edits, which all of them share that show the same trace.

The page holds the list as dictionaries (see `edit_list.py`). Views that share a selection, such as those that follow one
PromptBox, show one list: a change in one of them changes the others.
"""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import traitlets

from gptviz.trace.runnable import run_again
from gptviz.trace.trace import Trace
from gptviz.widgets.shared.edit_list import EditList, Spec, fits, names_a_position
from gptviz.widgets.shared.view import View


class EditedView(View):
    """A view with a list of edits. A subclass calls `_start_edits` when it fills itself from a new trace.

    edits: made by `gptviz.ablate_head`, `gptviz.patch` and the like; an edited trace brings its own.
    """

    _page_sets: ClassVar[tuple[str, ...]] = ("_edits",)
    _edits: traitlets.List[Spec] = traitlets.List().tag(sync=True)
    _dropped: traitlets.List[Spec] = traitlets.List().tag(sync=True)  # edits that the new prompt cannot keep, with code

    def __init__(self, source: Any = None, *, edits: Iterable[Any] = (), **keywords: Any):
        self._edit_list = EditList()
        self._edited_ids: list[int] = []  # of the text that the edits were made for
        super().__init__(source, **keywords)
        if edits:
            self.edits = (*self.edits, *edits)

    @traitlets.validate("_edits")
    def _check_edits(self, proposal: dict[str, Any]) -> list[Spec]:
        self._edit_list.values(proposal["value"])  # raises for what is no list of edits
        return list(proposal["value"])

    @property
    def edits(self) -> tuple[Any, ...]:
        """The edits shown, including those made in the page; set them to change the page."""
        return self._edit_list.values(self._edits)

    @edits.setter
    def edits(self, edits: Iterable[Any]) -> None:
        specs = self._edit_list.specs(edits)
        if self.trace is not None:
            self._edited_trace(specs)  # raises for an edit that this model does not support
        self._edits = specs

    @property
    def after(self) -> Trace:
        """The edited pass; without edits it is the plain one."""
        return self._edited_trace(self._edits)

    def _start_edits(self, trace: Trace) -> None:
        """Takes a new trace: its plain pass, and the edits that it has or that can be kept."""
        self._plain = run_again(trace) if trace.edits else trace
        self._latest: tuple[list[Spec], Trace] = ([], self._plain)  # the latest edits and their pass
        self._keep_edits(trace)

    def _keep_edits(self, trace: Trace) -> None:
        """Takes the edits of an edited trace or of a view of the same trace, or keeps those that apply to this trace."""
        previous_ids, self._edited_ids = self._edited_ids, ids_of(trace)
        shared = next((view.edits for view in self._fellows() if view.edits), ()) if not previous_ids else ()
        if trace.edits or shared:
            kept, dropped = self._edit_list.specs(trace.edits or shared), []
        else:
            same_text = previous_ids == self._edited_ids
            kept = [spec for spec in self._edits if fits(spec, trace) and (same_text or not names_a_position(spec))]
            dropped = [spec for spec in self._edits if spec not in kept]
        self._dropped = [
            spec | {"code": repr(edit)} for spec, edit in zip(dropped, self._edit_list.values(dropped), strict=True)
        ]
        self._edits = self._edit_list.renew(kept)

    def _fellows(self) -> Iterator["EditedView"]:
        """Yields the other views that share this view's selection and show the same trace."""
        for view in self.selection.views():
            if view is not self and isinstance(view, EditedView) and view.trace is self.trace:
                yield view

    @traitlets.observe("_edits")
    def _share_edits(self, _change: Any) -> None:
        for view in self._fellows():
            if view.edits != self.edits:
                view._edits = view._edit_list.specs(self.edits)

    def _edited_trace(self, specs: list[Spec]) -> Trace:
        """Returns the pass with these edits. Raises ModelChanged if the model is not that of the plain pass any more."""
        plain, (latest_specs, trace) = self._plain, self._latest
        if not specs:
            return plain
        with (guard := plain.guarding_weights()), guard:
            plain.check_repeats()
            if specs != latest_specs:
                trace = run_again(plain, self._edit_list.values(specs))
                self._latest = specs, trace
        return trace


def ids_of(trace: Trace) -> list[int]:
    """Returns the token ids of a trace; of an encoder-decoder those of the source, then those of the target."""
    tokens = trace.tokens if trace.prompt_tokens is trace.tokens else (*trace.prompt_tokens, *trace.tokens)
    return [token.id for token in tokens]

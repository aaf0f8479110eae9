"""InterventionView: switch heads and MLPs off by a click, patch a place, rewrite a row; the next token before and after.

The page holds the list of edits, each a small dictionary (see `edit_list.py`), and asks for the outcome of a whole list
at once, so that an answer belongs to its question and to no state in between. An answer is one edited pass. Not about
what an edit does to a pass: that is `gptviz/intervention.py`.
"""

from collections.abc import Iterable, Iterator
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import traitlets

from gptviz.checks import check_index
from gptviz.display import still
from gptviz.errors import NotAvailable, WrongType, fail
from gptviz.lens.sweep import run_edited
from gptviz.sampling.probabilities import softmax
from gptviz.text.tokens import Token
from gptviz.text.visible import visible
from gptviz.trace.runnable import RunnableModel, running_model
from gptviz.trace.sources import Array
from gptviz.trace.trace import Trace
from gptviz.widgets.attention.attention import pooled
from gptviz.widgets.intervention.edit_list import EditList, Spec, fits, names_a_position
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.view import View

MOVERS = 12  # tokens that have a row, and next tokens that are offered to be watched


class InterventionView(View):
    """The next token before and after edits. source: a Trace, or a PromptBox to follow; an edited Trace brings its edits.

    edits: what the pass is changed by, as `gptviz.ablate_head` and its kin make them. Clicks in the page change them, and
    setting them changes the page. Another prompt keeps those that name no position. watch: the next token that is
    followed, as text, id or Token; None is the likeliest one before the edits.
    """

    _name = "intervention"
    _answers: ClassVar[dict[str, str]] = {
        **View._answers, "outcome": "_answer_outcome", "sweep": "_answer_sweep", "watch": "_answer_watch",
        "source": "_answer_source", "row": "_answer_row",
    }  # fmt: skip

    _about = traitlets.Dict().tag(sync=True)
    _thumbnails = traitlets.Bytes().tag(sync=True)
    _page_sets = ("_edits", "_watched")
    _edits: traitlets.List[Spec] = traitlets.List().tag(sync=True)
    _watched = traitlets.Int(-1).tag(sync=True)  # a token's id; -1 is the likeliest before the edits
    _dropped: traitlets.List[str] = traitlets.List().tag(sync=True)  # the code of what another prompt took back

    def __init__(self, source: Any = None, *, edits: Iterable[Any] = (), watch: Any = None, **keywords: Any):
        self._list = EditList()
        super().__init__(source, **keywords)
        if edits:
            self.edits = (*self.edits, *edits)
        if watch is not None:
            self.watch = watch

    @traitlets.validate("_edits")
    def _check_edits(self, proposal: dict[str, Any]) -> list[Spec]:
        self._list.values(proposal["value"])  # a page may say anything
        return list(proposal["value"])

    @property
    def edits(self) -> tuple[Any, ...]:
        """The edits that are shown, those made in the page among them; set them to change the page."""
        return self._list.values(self._edits)

    @edits.setter
    def edits(self, edits: Iterable[Any]) -> None:
        specs = self._list.specs(edits)
        if self.trace is not None:
            self._edited(specs)  # what this model cannot do is refused here
        self._edits = specs

    @property
    def watch(self) -> Token:
        """The token that is followed; set it to another, or to None for the likeliest before the edits."""
        return self._require_trace().vocab_token(self._watched_id())

    @watch.setter
    def watch(self, token: Any) -> None:
        self._watched = -1 if token is None else self._token_id(token)

    @property
    def after(self) -> Trace:
        """The edited pass; without edits it is the plain one."""
        return self._edited(self._edits)

    def _fill(self) -> None:
        given = self._require_trace()
        self._before = running_model(given).trace(_ids(given)) if given.edits else given
        self._latest: tuple[list[Spec], Trace] = ([], self._before)
        self._swept: dict[int, Array] = {}
        self._take_edits(given)
        if self._watched >= given.vocab_size:
            self._watched = -1
        maps = [pooled(self._before.attention(layer)) for layer in range(given.n_layers)]
        self._thumbnails = np.round(255 * np.stack(maps)).astype(np.uint8).tobytes()
        self._about = {
            "tokens": [describe(token) for token in given.tokens],
            "layers": given.n_layers,
            "heads": given.n_heads,
            "vocab": given.vocab_size,
            "side": maps[0].shape[-1],
            "leaders": [{"token": describe(token), "before": p} for token, p in self._before.top(MOVERS)],
        }

    def _take_edits(self, given: Trace) -> None:
        """Those that an edited trace brings, or those of the trace before as far as they mean something in this one."""
        before = [token["id"] for token in self._about.get("tokens", [])]
        if given.edits:
            kept, dropped = self._list.specs(given.edits), []
        else:
            same = before == _ids(given)
            kept = [one for one in self._edits if fits(one, given) and (same or not names_a_position(one))]
            dropped = [one for one in self._edits if one not in kept]
        self._dropped = [repr(edit) for edit in self._list.values(dropped)]
        self._edits = self._list.renew(kept)

    def _edited(self, specs: list[Spec]) -> Trace:
        """The pass with these edits. It is compared with the plain one, so the weights must still be the same."""
        plain, (of, trace) = self._before, self._latest
        if not specs:
            return plain
        gpt = running_model(plain)
        with plain.guarding_weights():
            if specs != of:
                trace = gpt.trace(_ids(plain), edits=self._list.values(specs))
                self._latest = specs, trace
        return trace

    # The page's questions

    def _answer_outcome(self, edits: list[Spec], watched: int | None = None) -> dict[str, Any]:
        """The largest movers of the whole vocabulary, the leaders of the plain pass, and the code that does the same.

        Probabilities after the last token, before and after. moved: how much of the probability went to other tokens,
        half the sum of all differences. watched: a token that is none of the leaders.
        """
        from gptviz.intervention.edits import as_code

        after = self._edited(edits)
        shares = self._shares(after)
        leaders = [leader["token"]["id"] for leader in self._about["leaders"]]
        return {
            "movers": [self._row(id, *shares) for id in _movers(*shares)],
            "leaders": [self._row(id, *shares) for id in leaders],
            "leader": self._row(int(shares[1].argmax()), *shares),
            "watched": None if watched is None else self._row(self._token_id(watched), *shares),
            "moved": float(np.abs(shares[1] - shares[0]).sum() / 2),
            "codes": [repr(edit) for edit in self._list.values(edits)],
            "code": as_code(after) if edits else "",
        }

    def _answer_sweep(self, watched: int) -> Array:
        """What switching off each head alone, and each MLP, adds to the token's probability: (L, H + 1), MLPs last."""
        return self._sweep(self._token_id(watched))

    def _answer_watch(self, text: str) -> int:
        return self._token_id(text)

    def _answer_source(self, prompt: str) -> dict[str, Any]:
        """Another prompt to patch from: its number and its tokens."""
        source, count = running_model(self._before).trace(prompt), len(self._before.tokens)
        if len(source.tokens) != count:
            remedy = "A patch goes from one position to the same position: write a text of as many tokens."
            raise fail(f"a text of {count} tokens, as the prompt has", f"one of {len(source.tokens)}", remedy)
        return self._list.hold(source) | {"tokens": [describe(token) for token in source.tokens]}

    def _answer_row(self, layer: int, head: int, query: int) -> Array:
        """What the head's query looks at before any edit: (query + 1,)."""
        query = check_index(query, len(self._before.tokens), "position")
        return self._before.attention(layer, head)[query, : query + 1]

    def _page_questions(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The edits as they are, what each head and MLP does alone to the watched token, and to the other leaders."""
        leaders = [leader["token"]["id"] for leader in self._about["leaders"]]
        watched = self._watched_id()
        more = {} if watched in leaders else {"watched": watched}
        alone = [[spec] for spec in _parts(self._before)]
        yield from (("outcome", {"edits": edits, **more}) for edits in ([], self._edits))
        yield "sweep", {"watched": watched}
        yield from (("outcome", {"edits": edits, **more}) for edits in alone)
        yield from (("sweep", {"watched": id}) for id in leaders)
        yield from (("outcome", {"edits": edits}) for edits in alone if more)

    # What both sides show

    def _shares(self, after: Trace) -> tuple[Array, Array]:
        """Probabilities of the next token before and after, (vocab,) each, in float64 so that differences are exact."""
        return self._before.probabilities().astype(np.float64), after.probabilities().astype(np.float64)

    def _row(self, id: int, before: Array, after: Array) -> dict[str, Any]:
        token = describe(self._before.vocab_token(id))
        return {"token": token, "before": float(before[id]), "after": float(after[id])}

    def _sweep(self, id: int) -> Array:
        """The sweep for one token, NaN where a part cannot be switched off; a pass a layer serves the leaders too."""
        if id not in self._swept:
            gpt, plain = running_model(self._before), self._before
            ids = [id, *(leader["token"]["id"] for leader in self._about["leaders"])]
            grid = np.full((len(ids), plain.n_layers, plain.n_heads + 1), np.nan, np.float32)
            before = plain.probabilities()[ids].astype(np.float64)
            with plain.guarding_weights():
                for layer in range(plain.n_layers):
                    parts = self._possible(gpt, layer)
                    logits = run_edited(gpt, _ids(plain), [[edit] for edit in parts.values()])
                    grid[:, layer, list(parts)] = (softmax(logits)[:, ids] - before).T
            self._swept |= dict(zip(ids, grid, strict=True))
        return self._swept[id]

    def _possible(self, gpt: RunnableModel, layer: int) -> dict[int, Any]:
        """What switches off each part of a layer alone, by its column; what the family cannot do is left out."""
        edits = self._list.values([spec for spec in _parts(self._before) if spec["layer"] == layer])
        possible = {}
        for column, edit in enumerate(edits):
            try:
                gpt.editing([edit], len(self._before.tokens))
            except NotAvailable as error:
                refusal = error
            else:
                possible[column] = edit
        if not possible:
            raise refusal
        return possible

    def _watched_id(self) -> int:
        return self._watched if self._watched >= 0 else int(self._about["leaders"][0]["token"]["id"])

    def _token_id(self, token: Any) -> int:
        """A Token, an id, or a text that is one token of the model."""
        trace = self._require_trace()
        if isinstance(token, str):
            ids = running_model(trace).encode(token, add_special_tokens=False)
            if len(ids) != 1:
                pieces = ", ".join(repr(trace.vocab_token(id).text) for id in ids)
                remedy = "Most words begin with their space, as in ' king'."
                raise fail("a text that is one token", f"{len(ids)}: {pieces}", remedy)
            return ids[0]
        if not isinstance(token, (Token, Integral)):
            remedy = "For example ' king'; None is the likeliest."
            raise fail("a token as its text, id or Token", type(token).__name__, remedy, WrongType)
        return check_index(token.id if isinstance(token, Token) else token, trace.vocab_size, "token id")

    def _shapes(self) -> list[still.Shape]:
        rows = []
        for row in self.to_table():
            name = visible(self._before.vocab_token(row["id"]))
            rows.append((name, row["before"], f"{100 * row['before']:.3g} %"))
            if self._edits:
                rows.append((self._phrase("after"), row["after"], f"{100 * row['after']:.3g} %"))
        code = "; ".join(repr(edit) for edit in self.edits)
        told = self._phrase("edits", edits=code) if self._edits else self._phrase("unedited")
        return [still.chips(self._before.tokens), still.words(told), still.bars(rows)]

    def to_table(self) -> list[dict[str, Any]]:
        """One row a token, the watched one first, then those that move most: probability before, after, difference."""
        self._require_trace()
        before, after = self._shares(self.after)
        watched = self._watched_id()
        ids = [watched, *(id for id in _movers(before, after) if id != watched)]
        return [
            {"id": id, "token": self._before.vocab_token(id).text, "before": float(before[id]),
             "after": float(after[id]), "difference": float(after[id] - before[id])}
            for id in ids
        ]  # fmt: skip


def _ids(trace: Trace) -> list[int]:
    return [token.id for token in trace.tokens]


def _movers(before: Array, after: Array) -> list[int]:
    """Ids of the tokens whose probability changes most; of equals, the likelier before first."""
    return [int(id) for id in np.lexsort((-before, -np.abs(after - before)))[:MOVERS]]


def _parts(trace: Trace) -> list[Spec]:
    """Every part that can be switched off alone: a layer's heads, then its MLP."""
    parts: list[Spec] = []
    for layer in range(trace.n_layers):
        parts += [{"kind": "ablate_head", "layer": layer, "head": head} for head in range(trace.n_heads)]
        parts.append({"kind": "ablate_mlp", "layer": layer})
    return parts

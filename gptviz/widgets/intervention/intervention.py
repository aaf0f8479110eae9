"""InterventionView: edit a pass by clicks and compare the next token before and after.

Heads and MLPs are switched off, positions patched, rows of attention rewritten. The page holds the list of edits as
dictionaries (see `edit_list.py`) and asks for the outcome of a whole list at once, so that each answer belongs to one
question. An answer costs one edited pass.
"""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import numpy as np
import traitlets

from gptviz.checks import as_whole_number, check_index
from gptviz.display import still
from gptviz.display.numbers import percent
from gptviz.errors import WrongType, fail
from gptviz.pages.answering import PageQuestion
from gptviz.text.tokens import Token
from gptviz.text.visible import visible
from gptviz.trace.runnable import check_can_run
from gptviz.trace.sources import Array
from gptviz.trace.trace import Trace
from gptviz.widgets.intervention.others import other_pass
from gptviz.widgets.intervention.parts import part_specs, switched_off
from gptviz.widgets.intervention.phrases import PHRASES
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.edit_list import Spec
from gptviz.widgets.shared.edited import EditedView
from gptviz.widgets.shared.stacks import OpensStack, StackMaps, stack_argument

MOVERS = 12  # tokens that have a row, and next tokens that are offered to be watched


class InterventionView(OpensStack, EditedView):
    """The next token before and after edits. source: a Trace, or a PromptBox to follow; an edited Trace brings its edits.

    edits: made by `gptviz.ablate_head`, `gptviz.patch` and the like. Clicks in the page change them, and setting them
    changes the page. A new prompt keeps the edits that name no position. watch: the next token to compare, as text, id or
    Token; None is the likeliest one before the edits. Where no layer and no head was chosen, the view opens at the head
    at which an AttentionView opens, and says so.

    stack: of a trace of an encoder-decoder, the stack whose heads and MLPs are shown to be switched off: "encoder",
    "decoder" or "cross". The view has a menu of them; the edits of all three act together.
    """

    _name = "intervention"
    _titles: ClassVar[dict[str, str]] = {"en": "Interventions", "zh": "干预"}
    _phrases = PHRASES
    _answers: ClassVar[dict[str, str]] = {
        **EditedView._answers, "outcome": "_answer_outcome", "sweep": "_answer_sweep", "watch": "_answer_watch",
        "source": "_answer_source", "row": "_answer_row",
    }  # fmt: skip

    _about = traitlets.Dict().tag(sync=True)
    _thumbnails = traitlets.Bytes().tag(sync=True)
    _page_sets = (*EditedView._page_sets, "_watched", "_stack")
    _watched = traitlets.Int(-1).tag(sync=True)  # a token's id; -1 is the likeliest before the edits

    def __init__(
        self,
        source: Any = None,
        *,
        edits: Iterable[Any] = (),
        watch: Any = None,
        stack: str = "decoder",
        **keywords: Any,
    ):
        self._given_stack = stack
        super().__init__(source, edits=edits, **keywords)
        if watch is not None:
            self.watch = watch

    @property
    def watch(self) -> Token:
        """The watched token; set it to another, or to None for the likeliest before the edits."""
        return self._require_trace().vocab_token(self._watched_id())

    @watch.setter
    def watch(self, token: Any) -> None:
        self._watched = -1 if token is None else self._token_id(token)

    def _fill(self) -> None:
        trace = self._require_trace()
        self._swept: dict[tuple[str, int], Array] = {}  # by stack and token id
        if self._given_stack != "decoder":
            self.stack, self._given_stack = self._given_stack, "decoder"
        self._start_edits(trace)
        if self._watched >= trace.vocab_size:
            self._watched = -1
        maps = StackMaps(self._plain)
        self._thumbnails = maps.pictures
        self.selection.open_head(self._plain.of_stack(self.stack))
        self._about = maps.describe(self.selection) | {
            "vocab": trace.vocab_size,
            "leaders": [{"token": describe(token), "before": p} for token, p in self._plain.top(MOVERS)],
        }

    # Answers to the page

    def _answer_outcome(self, edits: list[Spec], watched: int | None = None) -> dict[str, Any]:
        """Returns probabilities of the next token before and after the edits, and the code that makes them.

        movers: the tokens whose probability changes most, of the whole vocabulary. leaders: the likeliest before. leader:
        the likeliest after. watched: the row of the token with this id, which need not be a leader. moved: half the sum
        of all absolute differences, the probability that went to other tokens.
        """
        # Imported here since it imports torch, without which a saved trace can be shown.
        from gptviz.intervention.code import as_code

        after = self._edited_trace(edits)
        pair = self._probability_pair(after)
        before_edits, after_edits = pair
        leaders = [leader["token"]["id"] for leader in self._about["leaders"]]
        return {
            "movers": [self._row(id, *pair) for id in _movers(*pair)],
            "leaders": [self._row(id, *pair) for id in leaders],
            "leader": self._row(int(after_edits.argmax()), *pair),
            "watched": None if watched is None else self._row(self._token_id(watched), *pair),
            "moved": float(np.abs(after_edits - before_edits).sum() / 2),
            "codes": [repr(edit) for edit in self._edit_list.values(edits)],
            "code": as_code(after) if edits else "",
        }

    def _answer_sweep(self, watched: int, stack: str = "decoder") -> Array:
        """Returns what switching off each head or MLP alone adds to the token's probability: (L, H + 1), MLPs last."""
        return self._sweep(self._token_id(watched), self._plain.of_stack(stack))

    def _answer_watch(self, text: str) -> int:
        return self._token_id(text)

    def _answer_source(self, prompt: str, stack: str = "decoder") -> dict[str, Any]:
        """Traces another prompt to patch from; returns its number and its tokens.

        Of an encoder-decoder it is another target to the same source, or, for a patch in the encoder, another source with the
        same target.
        """
        shown = self._plain.of_stack(stack)
        source = other_pass(self._plain, prompt, stack)
        tokens, count = source.of_stack(stack).tokens, len(shown.tokens)
        if len(tokens) != count:
            remedy = "A patch goes from one position to the same position: write a text with the same number of tokens."
            raise fail(f"a text of {count} tokens, as the prompt has", f"one of {len(tokens)}", remedy)
        return self._edit_list.hold(source) | {"tokens": [describe(token) for token in tokens]}

    def _answer_row(self, layer: int, head: int, query: int, stack: str = "decoder") -> Array:
        """Returns the head's attention weights of one query before any edit, of the tokens that it sees: (keys,)."""
        shown = self._plain.of_stack(stack)
        query = check_index(query, len(shown.tokens), "position")
        row: Array = shown.attention(layer, head)[query]
        return row[: query + 1] if shown.is_causal else row

    def _page_questions(self) -> Iterator[PageQuestion]:
        """Yields the outcome of the present edits, then of each part switched off alone, and the sweeps of the leaders."""
        leaders = [leader["token"]["id"] for leader in self._about["leaders"]]
        watched = self._watched_id()
        not_a_leader = {} if watched in leaders else {"watched": watched}
        stacks = sorted(self._plain.stacks, key=lambda stack: stack != self.stack)  # the one shown first
        single = [[spec] for stack in stacks for spec in part_specs(self._plain.of_stack(stack)).values()]
        yield from (("outcome", {"edits": edits, **not_a_leader}) for edits in ([], self._edits))
        yield from (("sweep", {"watched": watched} | stack_argument(stack)) for stack in stacks)
        yield from (("outcome", {"edits": edits, **not_a_leader}) for edits in single)
        yield from (("sweep", {"watched": id} | stack_argument(stack)) for stack in stacks for id in leaders)
        yield from (("outcome", {"edits": edits}) for edits in single if not_a_leader)

    def _probability_pair(self, after: Trace) -> tuple[Array, Array]:
        """Returns the next token's probabilities before and after, (vocab,) each, in float64 for exact differences."""
        return self._plain.probabilities().astype(np.float64), after.probabilities().astype(np.float64)

    def _row(self, id: int, before: Array, after: Array) -> dict[str, Any]:
        token = describe(self._plain.vocab_token(id))
        return {"token": token, "before": float(before[id]), "after": float(after[id])}

    def _sweep(self, id: int, shown: Trace) -> Array:
        """Returns the sweep for one token. The passes are shared by all leaders, whose sweeps are kept.

        shown: the trace of the stack that is swept.
        """
        key = shown.stack, id
        if key not in self._swept:
            plain, specs = self._plain, part_specs(shown)
            edits = dict(zip(specs, self._edit_list.values(list(specs.values())), strict=True))
            ids = [id, *(leader["token"]["id"] for leader in self._about["leaders"])]
            with (guard := plain.guarding_weights()), guard:
                plain.check_repeats()
                added = switched_off(plain, shown, edits, ids)
            self._swept |= {(shown.stack, each): of_token for each, of_token in zip(ids, added, strict=True)}
        return self._swept[key]

    def _watched_id(self) -> int:
        return self._watched if self._watched >= 0 else int(self._about["leaders"][0]["token"]["id"])

    def _token_id(self, token: Any) -> int:
        """Returns the id of a Token, an id, or a text that is one token of the model."""
        trace = self._require_trace()
        if isinstance(token, str):
            model = check_can_run(trace.gpt)
            ids = model.encode(token, add_special_tokens=False)
            id = model.decoding.token_id(token)
            if id is None:
                pieces = ", ".join(repr(trace.vocab_token(id).text) for id in ids)
                remedy = "Most words begin with their space, as in ' king'."
                raise fail("a text that is one token", f"{len(ids)}: {pieces}", remedy)
            return id
        if not isinstance(token, Token) and as_whole_number(token) is None:
            remedy = "For example ' king'; None is the likeliest."
            raise fail("a token as its text, id or Token", type(token).__name__, remedy, WrongType)
        return check_index(token.id if isinstance(token, Token) else token, trace.vocab_size, "token id")

    # The still picture and the table

    def _shapes(self) -> list[still.Shape]:
        rows = []
        for row in self.to_table():
            name = visible(self._plain.vocab_token(row["id"]))
            rows.append((name, row["before"], percent(row["before"])))
            if self._edits:
                rows.append((self._phrase("after"), row["after"], percent(row["after"])))
        code = "; ".join(repr(edit) for edit in self.edits)
        caption = self._phrase("edits", edits=code) if self._edits else self._phrase("unedited")
        plain = self._plain
        source = [] if plain.prompt_tokens is plain.tokens else [still.chips(plain.prompt_tokens)]
        return [*source, still.chips(plain.tokens), still.words(caption), still.bars(rows)]

    def to_table(self) -> list[dict[str, Any]]:
        """Returns a row for each token: probability before, after, difference. The watched token first, then the movers."""
        self._require_trace()
        before, after = self._probability_pair(self.after)
        watched = self._watched_id()
        ids = [watched, *(id for id in _movers(before, after) if id != watched)]
        return [
            {"id": id, "token": self._plain.vocab_token(id).text, "before": float(before[id]),
             "after": float(after[id]), "difference": float(after[id] - before[id])}
            for id in ids
        ]  # fmt: skip


def _movers(before: Array, after: Array) -> list[int]:
    """Returns the ids of the tokens whose probability changes most; in a tie, the one likelier before first."""
    return [int(id) for id in np.lexsort((-before, -np.abs(after - before)))[:MOVERS]]

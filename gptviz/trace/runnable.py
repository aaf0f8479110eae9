"""The interface of a model that can run here: what generation, sweeps and role scores need beyond a `ModelSource`.

A loaded `GPT` implements it. The model of a trace that was opened from a file does not, and `running_model` says so.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

import numpy as np

from gptviz.errors import NotAvailable, fail
from gptviz.sampling.next_token import NextToken
from gptviz.text.decoding import Decoding
from gptviz.text.messages import Message
from gptviz.text.reading import Reading
from gptviz.text.tokens import Token
from gptviz.trace.sources import Array, ModelSource, PassEdit
from gptviz.trace.trace import Trace

if TYPE_CHECKING:
    import torch

# A text, chat messages, token ids, or the tokens of a trace; see `GPT.encode`.
Prompt: TypeAlias = "str | Sequence[Message] | Iterable[int | Token] | np.ndarray | torch.Tensor"


class PreparedEdits(Protocol):
    """Edits that were checked against one model and are ready for its passes."""

    @property
    def edits(self) -> tuple[PassEdit, ...]:
        """The edits, in order."""
        ...

    def acting(self, rows: int = 1, start: int = 0) -> AbstractContextManager[None]:
        """Applies the edits to every pass inside the block.

        rows: how many texts the batch has. start: the position of the batch's first token in its text.
        """
        ...


class RunnableModel(ModelSource, Protocol):
    """A causal language model with its tokenizer, loaded and able to run.

    model, tokenizer: the transformers objects. reader: what reads token ids while a text is generated, the model or a decoder
    with the source that it looks at; source_tokens and source_text are that source. decoding: what the tokenizer's tokens
    say. context_length: the most tokens that it can read, or None for no limit. length_of_short_texts: a text of more tokens
    is read with other rotations (longrope), so that each of its tokens is read in another way; None for most models.
    takes_positions: whether its forward pass takes position_ids, counted from 0.
    """

    model: Any
    tokenizer: Any
    reader: Any
    source_tokens: tuple[Token, ...]
    source_text: str
    n_layers: int
    n_heads: int  # the largest of the layers
    d_model: int
    d_head: int
    context_length: int | None
    length_of_short_texts: int | None
    takes_positions: bool
    decoding: Decoding

    @property
    def end_ids(self) -> frozenset[int]:
        """The tokens that end a text."""
        ...

    @property
    def device(self) -> Any:
        """The torch.device on which token ids must lie."""
        ...

    def running(self) -> AbstractContextManager[None]:
        """Gives the caller exclusive use of the model inside the block, in evaluation mode and without gradients."""
        ...

    def encode(
        self, prompt: Prompt, *, add_special_tokens: bool | None = None, truncate: str | None = None, room: int = 0
    ) -> list[int]:
        """Returns the token ids of a prompt."""
        ...

    def read(
        self, prompt: Prompt, *, add_special_tokens: bool | None = None, truncate: str | None = None, room: int = 0
    ) -> Reading:
        """Returns the token ids of a prompt, with the role of each token if it is a chat."""
        ...

    @property
    def has_chat_template(self) -> bool:
        """Whether a prompt may be a list of messages."""
        ...

    def decode(self, ids: Iterable[int]) -> str:
        """Returns the text of these ids, without special tokens."""
        ...

    def prompt_text(self, ids: Sequence[int]) -> str:
        """Returns the text that the tokenizer reads as these ids, if there is one."""
        ...

    def tokens(self, ids: Iterable[int]) -> tuple[Token, ...]:
        """Returns the tokens with these ids, at positions from 0."""
        ...

    def token_table(self) -> Array:
        """Returns the token table: (vocab, d_embedding)."""
        ...

    def trace(self, prompt: Prompt, *, edits: Sequence[Any] = ()) -> Trace:
        """Runs one forward pass over the prompt and returns everything that it computed."""
        ...

    def trace_continued(
        self, prompt: Sequence[int | Token], ids: Sequence[int | Token], edits: Sequence[Any] = ()
    ) -> Trace:
        """Runs one pass over a prompt and the tokens that followed it, with the edits of that generation."""
        ...

    def weight_versions(self) -> object:
        """Returns a value that equals an earlier one if no weight has been changed since."""
        ...

    def check_weight_versions(self, versions: object) -> None:
        """Raises ModelChanged if `versions`, from an earlier call of `weight_versions`, are not those of now; None if unknown."""
        ...

    def check_step(self, step: Any, next_token: NextToken) -> None:
        """Raises ModelChanged unless a step that is looked at again has the probability that it was drawn with."""
        ...

    def check_readable(self, id: int) -> None:
        """Raises NotAvailable for an id with a logit but without a row in the token table."""
        ...

    def cache_fits(self) -> bool:
        """Returns whether the cache that the model makes has a place of its own for each layer."""
        ...

    def heads_in(self, layer: int) -> int:
        """Returns the number of heads of a layer, 0 if it has no attention."""
        ...

    def check_edit(self, edit: Any, length: int) -> None:
        """Raises an error if the model cannot be edited so, or the edit does not fit a text of `length` tokens."""
        ...

    def editing(self, edits: Any, length: int) -> PreparedEdits:
        """Checks edits for a text of `length` tokens and prepares them for all rows of a batch."""
        ...

    def editing_rows(self, rows: Iterable[Any], length: int) -> PreparedEdits:
        """Checks and prepares a batch whose rows each have edits of their own."""
        ...


def running_model(trace: Trace) -> RunnableModel:
    """Returns the model of `trace`. Raises NotAvailable for a trace that was opened from a file without its model."""
    return check_runs(trace.gpt)


def rerunning_model(trace: Trace, each_row: bool = False) -> RunnableModel:
    """Returns the model that runs the pass of a trace again: of an encoder-decoder, its decoder with the trace's source.

    each_row: whether the encoder reads the source for each row of a batch, so that edits of one row can act in it.
    """
    model: Any = check_can_run(trace.gpt)
    result: RunnableModel = model if model.decoder_only else model.with_source_of(trace, each_row)
    return result


def run_again(trace: Trace, edits: Iterable[Any] = ()) -> Trace:
    """Runs the pass of a trace again with these edits in place of its own."""
    gpt = rerunning_model(trace)
    if gpt.decoder_only:
        return gpt.trace(trace.tokens, edits=tuple(edits))
    return gpt.trace_continued(trace.tokens, (), tuple(edits))


def writing_model(gpt: RunnableModel, completion: Any) -> RunnableModel:
    """Returns the model that goes on with a completion: of an encoder-decoder, its decoder with the completion's source."""
    if getattr(gpt, "decoder_only", True):
        return gpt
    encoder_decoder: Any = gpt
    result: RunnableModel = encoder_decoder.with_source(completion.source_tokens, completion.prompt)
    return result


def check_runs(model: ModelSource) -> RunnableModel:
    """Returns a decoder-only model that can run. Raises NotAvailable for that of a trace that was opened from a file."""
    runnable = check_can_run(model)
    check_decoder_only(model)
    return runnable


def check_can_run(model: ModelSource) -> RunnableModel:
    """Returns a model that can run. Raises NotAvailable for that of a trace that was opened from a file."""
    if not model.can_run:
        raise fail(
            "a trace whose model is loaded",
            "one that was opened from a file",
            "Load the model and trace the text again, with gpt.trace(text).",
            NotAvailable,
            code="no_model",
        )
    return cast(RunnableModel, model)


def check_decoder_only(model: ModelSource) -> None:
    """Raises NotAvailable for an encoder-decoder. Called by what reads a trace as one stack of attention and MLPs."""
    if not getattr(model, "decoder_only", True):
        raise fail(
            "a decoder-only model",
            f"{model.name}, an encoder-decoder",
            'Its numbers are in its traces, such as trace.attention(layer, head, stack="cross"); some views '
            "and the flow of credit are for decoder-only models so far.",
            NotAvailable,
            code="encoder_decoder",
            model=model.name,
        )

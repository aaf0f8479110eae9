"""GPT: a causal language model with its tokenizer. It tokenises and checks prompts, traces passes and generates text.

`loading.py` loads the weights; `model/` records and edits the passes.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from gptviz.checks import check_index, check_token_ids, did_you_mean
from gptviz.errors import ModelChanged, WrongType, fail
from gptviz.generation import loop
from gptviz.generation.completion import Completion, Step
from gptviz.intervention.edits import Edit, check_edits, check_finite
from gptviz.lens.embedding_table import CachedPlane, nearest_rows
from gptviz.lens.roles import role_scores
from gptviz.model import capture
from gptviz.model.anatomy import Anatomy
from gptviz.model.architecture import Architecture, architecture_of
from gptviz.model.confirming import check_probability
from gptviz.model.editing import ALL_ROWS, Editing, check_edit
from gptviz.model.forward import ForwardPass
from gptviz.model.positions import length_of_short_texts
from gptviz.model.prompts import fitted, read_prompt
from gptviz.model.requirements import check_model
from gptviz.model.study import study
from gptviz.model.weights import undefined_weight, weight_versions
from gptviz.sampling.next_token import NextToken
from gptviz.text.decoding import Decoding
from gptviz.text.merges import Merge, merges_of
from gptviz.text.messages import Message
from gptviz.text.prompts import prompt_of
from gptviz.text.reading import Reading
from gptviz.text.templates import has_template
from gptviz.text.tokens import Token, with_roles
from gptviz.trace.predictions import as_array
from gptviz.trace.runnable import Prompt, check_decoder_only
from gptviz.trace.trace import Trace, describe_shape

_TRACE_KEYWORDS = ("edits", "add_special_tokens", "truncate")


def _checked_study(model: Any, tokenizer: Any) -> Anatomy:
    check_model(model, tokenizer)
    return study(model)


class GPT:
    """A causal language model and its tokenizer. Wrapping does not change the model.

    model, tokenizer: the transformers objects. reader: what reads token ids while a text is generated, the model itself.
    name: the name it was loaded by. decoding: what the tokenizer's tokens say.
    context_length: the most tokens that it can read, or None where the family sets no limit. length_of_short_texts: a text
    of more tokens is read with other rotations (longrope); None for most models. n_layers, n_heads, d_model, d_head: its
    shape; n_heads and d_head are the largest of its layers, which may differ: see `heads_in`. takes_positions: whether its
    forward pass takes position_ids, counted from 0. source_tokens, source_text: of an encoder-decoder that goes on with a
    target, what its encoder reads.
    """

    can_run = decoder_only = True
    source_tokens: tuple[Token, ...] = ()
    source_text = ""
    _study = staticmethod(_checked_study)

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, name: str | None = None):
        self._anatomy: Anatomy = self._study(model, tokenizer)
        self.model, self.tokenizer, self.reader = model, tokenizer, model
        config: Any = model.config.get_text_config()
        self.name = name or getattr(model.config, "_name_or_path", "") or type(model).__name__
        self._plane = CachedPlane()
        self.decoding = Decoding(tokenizer)
        self.n_layers, self.n_heads = len(self._anatomy.layers), self._anatomy.n_heads
        self.d_model, self.d_head = self._anatomy.d_model, self._anatomy.d_head
        self.takes_positions = self._anatomy.takes_positions
        self.vocab_size = self._anatomy.vocab_size
        self.context_length: int | None = next(
            (limit for name in ("max_position_embeddings", "max_seq_len") if (limit := getattr(config, name, None))),
            None,
        )
        self.length_of_short_texts = length_of_short_texts(config)
        self._end_ids: frozenset[int] | None = None

    def __repr__(self) -> str:
        shape = describe_shape([layer.n_heads for layer in self._anatomy.layers])
        sizes = f"d_model {self.d_model}, vocabulary {self.vocab_size:,}"
        return f"GPT({self.name}: {shape}, {sizes}, {str(self.dtype).removeprefix('torch.')} on {self.device})"

    @property
    def device(self) -> torch.device:
        """The device of the token table, on which token ids must lie."""
        return self.model.get_input_embeddings().weight.device  # type: ignore[return-value]

    @property
    def dtype(self) -> torch.dtype:
        """The dtype that the model computes in."""
        return self.model.dtype

    def heads_in(self, layer: int) -> int:
        """Returns the number of heads of a layer: 0 if it has no attention, as in a hybrid model."""
        return self._anatomy.layers[check_index(layer, self.n_layers, "layer")].n_heads

    @property
    def end_ids(self) -> frozenset[int]:
        """The tokens that end a text: all that the model, its generation settings or its tokenizer names now.

        Set it to end texts at other tokens.
        """
        return _end_ids(self.model, self.tokenizer) if self._end_ids is None else self._end_ids

    @end_ids.setter
    def end_ids(self, ids: Iterable[int]) -> None:
        self._end_ids = frozenset(ids)

    def weight_versions(self) -> object:
        """Returns a value that equals an earlier one if no weight has been written to or replaced since."""
        return weight_versions(self.model)

    def check_weight_versions(self, versions: object) -> None:
        """Raises ModelChanged if `versions`, from an earlier call of `weight_versions`, are not those of now.

        None is for weights that are unknown: nothing is compared.
        """
        if versions is not None and versions != self.weight_versions():
            raise fail(
                "the weights that this text was generated with",
                "weights that were written to or replaced",
                "So the model has changed since: generate again.",
                ModelChanged,
            )

    def check_step(self, step: Step, next_token: NextToken) -> None:
        """Raises ModelChanged unless a step of a completion has the probability that it was drawn with, up to rounding.

        A hook, a buffer, another attention function or autocast may have changed since. next_token: what follows the same
        text now.
        """
        check_probability(step.token, step.probability, next_token.logits, self.n_layers, self.dtype, self.device.type)

    def check_readable(self, id: int) -> None:
        """Raises NotAvailable for an id with a logit but without a row in the token table."""
        self._anatomy.check_readable(id)

    def cache_fits(self) -> bool:
        """Returns whether the cache that the model makes has a place of its own for each layer."""
        return self._anatomy.cache_fits(self.model.config.get_text_config())

    def running(self) -> AbstractContextManager[None]:
        """Takes the model's lock for a `with` block, in evaluation mode and without gradients; restores both afterwards."""
        return capture.running(self.model)

    # Text and tokens

    def encode(
        self, prompt: Prompt, *, add_special_tokens: bool | None = None, truncate: str | None = None, room: int = 0
    ) -> list[int]:
        """Returns the token ids of a prompt: a text, chat messages, or token ids (T,) as a list, array or tensor.

        Token ids stay as they are. Tokens of a trace do too, and keep their roles. Messages,
        [{"role": "user", "content": "…"}, …], are written by the tokenizer's own chat template: the ids are those of its
        `apply_chat_template`, with the generation prompt unless the last message is the assistant's. As there, a mark such
        as "<|im_end|>" that somebody writes into a content is read as that special token.

        add_special_tokens: None for the tokenizer's own default; a template writes its own. truncate: "left" keeps the end
        of a prompt that is longer than the context, and the special tokens that begin it. room: how many tokens will
        follow; a prompt that is cut leaves room for them, up to half of the context.

        Raises WrongType or OutOfRange for what are no token ids or messages, GPTVizError for an empty or too long prompt and
        for messages that the template refuses, NotAvailable for messages to a model without a template, and ModelChanged if
        the vocabulary has been resized.
        """
        return self.read(prompt, add_special_tokens=add_special_tokens, truncate=truncate, room=room).ids

    def read(
        self, prompt: Prompt, *, add_special_tokens: bool | None = None, truncate: str | None = None, room: int = 0
    ) -> Reading:
        """Returns what `encode` returns, with the role of each token if the prompt is a chat."""
        reading = read_prompt(self.tokenizer, self.decoding, prompt, add_special_tokens)
        if not reading.ids:
            raise fail(
                "a prompt of at least one token",
                f"{prompt!r}, for which this tokenizer gives none (it adds no start token)",
                "Type at least one character, or give at least one id.",
                code="prompt_empty",
            )
        self._anatomy.structure.check_vocabulary()
        remedy = f"{self.name} has a vocabulary of {self.vocab_size:,}; use ids of its own tokenizer."
        check_token_ids(reading.ids, self.vocab_size, remedy)
        self.check_readable(max(reading.ids))
        is_special = self.decoding.special_ids().__contains__
        return fitted(reading, self.context_length, self.name, is_special, truncate, room)

    @property
    def has_chat_template(self) -> bool:
        """Whether a prompt may be a list of messages: whether the tokenizer has a chat template."""
        return has_template(self.tokenizer)

    def token(self, id: int, position: int = -1) -> Token:
        """Returns the token with this id, with what it adds after a word. Raises OutOfRange if there is no such id."""
        return self.decoding.token(self._check_id(id), position)

    def tokens(self, ids: Iterable[int]) -> tuple[Token, ...]:
        """Returns the tokens of a text with these ids, each with what it adds to the text, at positions from 0."""
        return self.decoding.tokens(map(self._check_id, ids))

    def _check_id(self, id: int) -> int:
        return check_index(id, self.vocab_size, "token id")

    def decode(self, ids: Iterable[int]) -> str:
        """Returns the tokenizer's text of these ids, without special tokens."""
        if isinstance(ids, str):
            raise fail("token ids", f"the text {ids!r:.40}", "gpt.encode(text) returns ids.", WrongType)
        return self.decoding.decode(map(self._check_id, ids))

    def prompt_text(self, ids: Sequence[int]) -> str:
        """Returns the text that the tokenizer reads as these ids, if there is one. Special tokens in it are written out."""
        return prompt_of(self.tokenizer, self.decoding, ids)

    def token_table(self) -> np.ndarray:
        """Returns the token table, one row for each id, as float32: (vocab, d_embedding)."""
        return as_array(self.model.get_input_embeddings().weight)  # type: ignore[arg-type]

    def merges(self, text: str, tokens: tuple[Token, ...], position: int) -> list[Merge]:
        """Returns the merges of the word that the token at `position` belongs to; see `text/merges.py`."""
        return merges_of(self.tokenizer, text, tokens, position)

    def nearest(self, id: int, k: int = 10) -> list[tuple[int, float]]:
        """Returns the ids of the nearest rows of the token table, with their cosines; see `lens.nearest`."""
        return nearest_rows(self.token_table(), id, k)

    def token_plane(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the token table in two dimensions; see `lens.principal_plane`. Computed again if the table changed."""
        table: Any = self.model.get_input_embeddings().weight
        state = (table.data_ptr(), 0 if table.is_inference() else table._version)
        return self._plane.of(state, self.token_table)

    def undefined_weight(self) -> str:
        """Returns the name of the first weight that holds NaN or infinity; "" if there is none."""
        return undefined_weight(self.model)

    def role_scores(self) -> dict[str, np.ndarray]:
        """Returns how strongly each head plays each role; see `lens.role_scores`."""
        return role_scores(self)

    def architecture(self) -> Architecture:
        """Returns which parts the model has, and to which of them each parameter belongs. Runs four tokens through it."""
        check_decoder_only(self)
        return architecture_of(self.model, self._anatomy)

    # Tracing and generating

    def trace(
        self,
        prompt: Prompt,
        *,
        edits: Sequence[Edit] = (),
        add_special_tokens: bool | None = None,
        truncate: str | None = None,
        **unknown: Any,
    ) -> Trace:
        """Runs one forward pass over the prompt and returns everything that it computed, as a `Trace`.

        prompt: a text, chat messages or token ids; see `encode`. edits: what is changed in this pass only; see
        `gptviz.intervention`. Other keywords: see `encode`.
        """
        for name in unknown:
            raise fail(
                f"keywords among {', '.join(_TRACE_KEYWORDS)}", name, did_you_mean(name, _TRACE_KEYWORDS), WrongType
            )
        reading = self.read(prompt, add_special_tokens=add_special_tokens, truncate=truncate)
        text = prompt if isinstance(prompt, str) and truncate is None else self.prompt_text(reading.ids)
        return self._run(reading, text, self.editing(edits, len(reading.ids)))

    def _run(self, reading: Reading, text: str, editing: Editing) -> Trace:
        ids = torch.tensor([reading.ids], device=self.device)
        source = ForwardPass(self.model, self._anatomy, ids, editing)
        if editing.edits:
            check_finite(source.logits, editing.edits)
        return Trace(self, source, with_roles(self.tokens(reading.ids), reading.roles), text)

    def check_edit(self, edit: Edit, length: int) -> None:
        """Raises an error if this model cannot be edited so, or the edit does not fit a text of `length` tokens."""
        check_edit(edit, self.model, self._anatomy, length)

    def editing(self, edits: Any, length: int) -> Editing:
        """Checks edits for this model and a text of `length` tokens, and prepares them for all rows of a batch."""
        return Editing(self.model, self._anatomy, [(ALL_ROWS, edit) for edit in check_edits(edits)], length)

    def editing_rows(self, rows: Iterable[Any], length: int) -> Editing:
        """Checks and prepares a batch whose rows each have edits of their own."""
        rows_edits = [(slice(i, i + 1), edit) for i, edits in enumerate(rows) for edit in check_edits(edits)]
        return Editing(self.model, self._anatomy, rows_edits, length)

    def next_token(self, completion: Completion, step: int, choice: int = 0) -> NextToken:
        """Returns the logits that a step of a completion was drawn from, by one pass over the prompt and the earlier steps.

        step, choice: counted from 0. The pass has the completion's edits. Since attention is causal, its logits are those
        of the decode loop, within rounding. Raises ModelChanged if the model was changed after the completion.
        """
        self.check_weight_versions(completion.weight_versions)
        chosen = completion.choices[check_index(choice, len(completion.choices), "choice")]
        step = check_index(step, len(chosen.steps), "step")
        prompt = [token.id for token in completion.prompt_tokens]
        again = self.trace_continued(prompt, chosen.token_ids[:step], completion.edits).next_token()
        self.check_step(chosen.steps[step], again)
        return again

    def trace_continued(
        self, prompt: Sequence[int | Token], ids: Sequence[int | Token], edits: Sequence[Any] = ()
    ) -> Trace:
        """Runs one pass over a prompt and what was generated after it, with the edits of that generation.

        prompt, ids: token ids, or tokens, which keep their roles. Positions in the edits are those of the prompt, so a
        patch's source has the same number of tokens as the prompt alone.
        """
        whole = self.read([*prompt, *ids])
        return self._run(whole, self.prompt_text(whole.ids), self.editing(edits, len(prompt)))

    def stream(self, prompt: Prompt, **settings: Any) -> Iterator[Step]:
        """Generates a continuation of the prompt one step at a time; the settings are those of `complete`."""
        return loop.stream(self, prompt, **settings)

    def complete(self, prompt: Prompt, **settings: Any) -> Completion:
        """Generates continuations of the prompt and returns them with every step; see `generation.loop.complete`.

        settings: `max_tokens, n, stop, temperature, top_k, top_p, min_p, repetition_penalty, seed, edits`.
        """
        return loop.complete(self, prompt, **settings)

    def chat(self, messages: Sequence[Message], **settings: Any) -> Completion:
        """Answers messages, [{"role": "user", "content": "…"}, …], with the tokenizer's own chat template.

        settings: those of `complete`. Returns a completion whose `choices[i].message` is the assistant's next message. An
        answer ends where the template ends the assistant's turn; see `generation.loop.chat`.
        """
        return loop.chat(self, messages, **settings)


def _end_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Returns every id that the model, its generation settings or its tokenizer names as an end of text."""
    sources = (model.config, getattr(model, "generation_config", None))
    named = [getattr(source, "eos_token_id", None) for source in sources] + [tokenizer.eos_token_id]
    lists = (ids if isinstance(ids, (list, tuple)) else [ids] for ids in named)
    return frozenset(id for ids in lists for id in ids if id is not None)

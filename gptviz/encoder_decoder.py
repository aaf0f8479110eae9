"""EncoderDecoder: a sequence-to-sequence model with its tokenizer, whose passes over a source and a target can be traced.

It reads, checks and edits as `GPT` does, and writes in the same loop. What goes on with a target is a copy of the model that
holds the source, its "writer". Role scores and some views are for decoder-only models so far; here they are refused.
"""

import copy
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch

from gptviz.checks import check_count, did_you_mean
from gptviz.errors import NotAvailable, WrongType, fail
from gptviz.generation import loop
from gptviz.generation.completion import Completion, Step
from gptviz.generation.request import check_request
from gptviz.gpt import GPT
from gptviz.intervention.edits import Edit, check_edits, check_finite
from gptviz.model.anatomy import Anatomy
from gptviz.model.calling import DecoderWithSource
from gptviz.model.editing import ALL_ROWS, RowsEdit
from gptviz.model.editing_stacks import Lengths, StackEditing, check_edit_of_stack
from gptviz.model.requirements import check_model
from gptviz.model.sequence_pass import SequencePass
from gptviz.model.sounds import check_extractor, frame_tokens, read_sound
from gptviz.model.study_stacks import reads_sound, study_stacks
from gptviz.sampling.next_token import NextToken
from gptviz.text.encoding import encode
from gptviz.text.merges import Merge, merges_of
from gptviz.text.tokens import Token
from gptviz.trace.runnable import Prompt, check_decoder_only
from gptviz.trace.sequence import SequenceTrace
from gptviz.trace.trace import Trace

_KEYWORDS = ("edits", "sampling_rate", "max_tokens", "add_special_tokens", "truncate")


class EncoderDecoder(GPT):
    """An encoder-decoder of transformers and its tokenizer; `gptviz.wrap(model, tokenizer)` makes one.

    n_layers, n_heads, d_model, d_head and vocab_size are the decoder's. Other attributes: see `GPT`.
    """

    decoder_only = False
    _original: "EncoderDecoder | None" = None  # of a writer
    _read: torch.Tensor | None = None  # the source of a writer, as its encoder reads it

    def __init__(self, model: Any, tokenizer: Any, name: str | None = None):
        """tokenizer: the model's, or its processor, which a model that reads sound needs."""
        self._extractor = getattr(tokenizer, "feature_extractor", None)
        super().__init__(model, tokenizer if self._extractor is None else tokenizer.tokenizer, name)
        self.context_length = getattr(model.config, "max_target_positions", None) or self.context_length

    def _study(self, model: Any, tokenizer: Any) -> Anatomy:  # type: ignore[override]
        check_model(model, tokenizer, encoder_decoder=True)
        if reads_sound(model):
            check_extractor(self._extractor, model.config, tokenizer)
        self._stacks = study_stacks(model)
        return self._stacks.decoder

    @property
    def reads_sound(self) -> bool:
        """Whether the source is a sound, not a text."""
        return reads_sound(self.model)

    def __repr__(self) -> str:
        return f"EncoderDecoder{super().__repr__().removeprefix('GPT')}"

    def trace(  # type: ignore[override]
        self,
        source: Prompt,
        target: "Prompt | None" = None,
        *,
        edits: Sequence[Edit] = (),
        sampling_rate: int | None = None,
        max_tokens: int = 150,
        add_special_tokens: bool | None = None,
        truncate: str | None = None,
        **unknown: Any,
    ) -> SequenceTrace:
        """Runs one pass over a source and a target and returns everything that it computed, as a `SequenceTrace`.

        source: a text or token ids; see `GPT.encode`. For a model that reads sound, the path of a WAV file, or samples, (n,),
        with their `sampling_rate`; its source tokens are frames, each with its second. target: a text, or token ids from the
        start token on; None for the one that the model writes itself, the likeliest token at each step, of at most
        `max_tokens`. A target begins with the model's start token and what its tokenizer writes before a target text, such
        as a language. The token that ends it is left out, because the decoder never reads it. Nothing else of the model's
        generation settings counts. edits: what is changed in this pass only, in the stack that each names; see
        `gptviz.intervention`. A target that the model writes itself is written without them.
        """
        for name in unknown:
            raise fail(f"keywords among {', '.join(_KEYWORDS)}", name, did_you_mean(name, _KEYWORDS), WrongType)
        read, of_source = self._read_source(source, sampling_rate, add_special_tokens, truncate)
        if target is None:
            ids = self._written_ids(self._writer(read, of_source), check_count(max_tokens, "max_tokens"))
        else:
            given = self.target_ids(target, add_special_tokens) if isinstance(target, str) else target
            ids = self.encode(given, truncate=truncate)
        text = target if isinstance(target, str) and truncate is None else self.decode(ids)
        writer = self._writer(read, of_source)
        traced: SequenceTrace = writer._traced(ids, text, writer.editing(edits, len(ids)))
        return traced

    def _traced(self, ids: list[int], text: str, editing: StackEditing) -> SequenceTrace:
        """Runs one pass of a writer over its source and a target."""
        assert self._read is not None
        made = SequencePass(self.model, self._stacks, self._read, torch.tensor([ids], device=self.device), editing)
        if editing.edits:
            check_finite(made.logits, editing.edits)
        of_source, of_target = (self.source_tokens, self.source_text), (self.tokens(ids), text)
        return SequenceTrace(self._original or self, (made.encoder, made, made.cross), of_source, of_target)

    def merges(self, text: str, tokens: tuple[Token, ...], position: int) -> list[Merge]:
        """Returns the merges of the word that a token of a source or of a target belongs to; see `text/merges.py`."""
        return merges_of(self.tokenizer, text, tokens, position, target=tokens[0].id == self.start_id)

    def trace_continued(  # type: ignore[override]
        self, prompt: Sequence[int | Token], ids: Sequence[int | Token], edits: Sequence[Edit] = ()
    ) -> SequenceTrace:
        """Runs one pass of a writer over the beginning of a target and what was generated after it; see `GPT`."""
        if self._read is None:
            remedy = "Write gpt.trace(source, target)."
            raise fail("a source beside the target", f"{self.name} without one", remedy, WrongType)
        whole = self.encode([*prompt, *ids])
        return self._traced(whole, self.decode(whole), self.editing(edits, len(prompt)))

    def next_token(self, completion: Completion, step: int, choice: int = 0) -> NextToken:
        """Returns what a step of a completion was drawn from; see `GPT.next_token`."""
        return GPT.next_token(self.with_source(completion.source_tokens, completion.prompt), completion, step, choice)

    def _read_source(
        self, source: Any, sampling_rate: int | None, add_special_tokens: bool | None, truncate: str | None
    ) -> tuple[torch.Tensor, tuple[tuple[Token, ...], str]]:
        """Returns a source as the encoder reads it, its tokens, and its text; see `trace`."""
        if reads_sound(self.model):
            features, name = read_sound(self._extractor, source, sampling_rate)
            tokens = frame_tokens(self._extractor, self.model.config.max_source_positions)
            return features.to(self.device, self.dtype), (tokens, name)
        if sampling_rate is not None:
            got = f"sampling_rate={sampling_rate!r} for {self.name}, which reads text"
            raise fail("a sampling rate only with a sound", got, "Leave it out.", WrongType)
        reader = self._of_source()
        ids = reader.encode(source, add_special_tokens=add_special_tokens, truncate=truncate)
        text = source if isinstance(source, str) and truncate is None else self.prompt_text(ids)
        return torch.tensor([ids], device=self.device), (reader.tokens(ids), text)

    def source_ids(self, text: str) -> list[int]:
        """Returns what the encoder reads of a text."""
        return self._of_source().encode(text)

    def target_ids(self, text: str, add_special_tokens: bool | None = None) -> list[int]:
        """Returns what the decoder reads of a text: the start token, and the tokenizer's ids of it up to the end token."""
        ids, _ = encode(self.tokenizer, text, add_special_tokens, target=True)
        special, last, start = self.decoding.special_ids(), len(ids), self.start_id
        while last and ids[last - 1] in special:
            last -= 1
        # The end token need not be the last: mBART writes the language after it.
        end = next((i for i in range(last, len(ids)) if ids[i] in self.end_ids), len(ids))
        return ids[:end] if ids and ids[0] == start else [start, *ids[:end]]

    @property
    def start_id(self) -> int:
        """The token with which a target begins, as the model's settings name it."""
        settings = (self.model.config, getattr(self.model, "generation_config", None))
        id = next((id for each in settings if (id := getattr(each, "decoder_start_token_id", None)) is not None), None)
        if id is None:
            raise fail(
                "a model whose settings name the token that a target begins with",
                f"{self.name}, whose config has no decoder_start_token_id",
                "Set model.config.decoder_start_token_id, or give the target as token ids.",
            )
        return int(id)

    def _of_source(self) -> "EncoderDecoder":
        """Returns this model as a reader of sources: with the encoder's token table, which may have other rows."""
        reader = copy.copy(self)
        reader._anatomy = self._stacks.encoder
        reader.vocab_size = len(self._stacks.encoder.token_embedding.weight)  # type: ignore[arg-type, union-attr]
        return reader

    def stream(  # type: ignore[override]
        self,
        source: Any,
        *,
        sampling_rate: int | None = None,
        add_special_tokens: bool | None = None,
        truncate: str | None = None,
        **settings: Any,
    ) -> Iterator[Step]:
        """Writes a target to a source one step at a time; see `trace` for the source, and `GPT.complete` for the settings."""
        read, of_source = self._read_source(source, sampling_rate, add_special_tokens, truncate)
        return loop.stream(self._writer(read, of_source), self.target_ids(""), **settings)

    def complete(  # type: ignore[override]
        self,
        source: Any,
        *,
        sampling_rate: int | None = None,
        add_special_tokens: bool | None = None,
        truncate: str | None = None,
        **settings: Any,
    ) -> Completion:
        """Writes targets to a source and returns them with every step; see `trace` and `GPT.complete`.

        The completion's `prompt` is the source's text, and its `prompt_tokens` are those that the target begins with.
        """
        read, of_source = self._read_source(source, sampling_rate, add_special_tokens, truncate)
        return loop.complete(self._writer(read, of_source), self.target_ids(""), **settings)

    def _writer(self, read: torch.Tensor, of_source: tuple[tuple[Token, ...], str], each_row: bool = False) -> Any:
        """Returns this model as one that continues a target: a `RunnableModel` whose decoder looks at the source.

        read: the source as the encoder reads it. of_source: its tokens and its text. each_row: see `DecoderWithSource`.
        """
        writer = copy.copy(self)
        writer._original, writer._read = self._original or self, read
        writer.reader = DecoderWithSource(self.model, read, each_row)  # type: ignore[assignment]
        writer.source_tokens, writer.source_text = of_source
        return writer

    def with_source(self, tokens: Sequence[Token], text: str) -> "EncoderDecoder":
        """Returns this model as one that goes on with a target to this source; see `writing_model`."""
        if not tokens:
            raise fail(
                "a completion of this encoder-decoder, which has its source",
                "one of another model, or one that was made before gptviz kept the source",
                f"Make it with complete(source) of {self.name}.",
                WrongType,
            )
        if self.reads_sound:
            raise fail(
                "a completion whose source is a text",
                f"one of a sound, which {self.name} wrote down: a completion does not keep the sound",
                'Trace the sound with its text, and look at trace.attention(layer, head, stack="cross").',
                NotAvailable,
                code="sound_completion",
                model=self.name,
            )
        reader = self._of_source()
        ids = reader.encode(tokens)
        return self._writer(torch.tensor([ids], device=self.device), (reader.tokens(ids), text))

    def with_source_of(self, trace: Trace, each_row: bool = False) -> Any:
        """Returns this model as one that reads targets with the source of a trace; see `rerunning_model`."""
        assert isinstance(trace, SequenceTrace)
        return self._writer(trace.encoder_input, (trace.source_tokens, trace.source_text), each_row)

    def check_edit(self, edit: Edit, length: int) -> None:
        """Raises an error if this model cannot be edited so, or the edit does not fit its source or a target."""
        check_edit_of_stack(edit, self.model, self._stacks, Lengths(len(self.source_tokens), length))

    def editing(self, edits: Any, length: int) -> StackEditing:  # type: ignore[override]
        """Checks edits for a target of `length` tokens and prepares them for all rows of a batch."""
        return self._editing([(ALL_ROWS, edit) for edit in check_edits(edits)], length, 1)

    def editing_rows(self, rows: Iterable[Any], length: int) -> StackEditing:  # type: ignore[override]
        """Checks and prepares a batch whose rows each have edits of their own, in the encoder too."""
        edits_of_rows = [check_edits(edits) for edits in rows]
        rows_edits = [(slice(i, i + 1), edit) for i, edits in enumerate(edits_of_rows) for edit in edits]
        return self._editing(rows_edits, length, len(edits_of_rows))

    def _editing(self, rows_edits: Iterable[RowsEdit], length: int, source_rows: int) -> StackEditing:
        lengths = Lengths(len(self.source_tokens), length)
        return StackEditing(self.model, self._stacks, rows_edits, lengths, source_rows)

    def _written_ids(self, writer: Any, max_tokens: int) -> list[int]:
        """Returns the target that the model writes to a source: the likeliest token at each step, without the end token."""
        request = check_request(writer, self.target_ids(""), max_tokens=max_tokens, temperature=0.0)
        for _ in loop.steps(request):
            pass
        ids = request.rows[0].ids
        return ids[:-1] if len(ids) > len(request.ids) and ids[-1] in request.end_ids else ids

    def cache_fits(self) -> bool:
        """Returns whether the cache that the decoder makes has a place of its own for each of its layers."""
        return self._anatomy.cache_fits(self.model.config.get_text_config(decoder=True))

    def _refuse(self, *_arguments: Any, **_keywords: Any) -> Any:
        """Raises NotAvailable; see `check_decoder_only`."""
        check_decoder_only(self)

    chat = role_scores = _refuse

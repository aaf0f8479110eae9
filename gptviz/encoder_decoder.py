"""EncoderDecoder: a sequence-to-sequence model with its tokenizer, whose passes over a source and a target can be traced.

It reads, checks and edits as `GPT` does, and writes in the same loop. Role scores and most views are for decoder-only models
so far; here they are refused.
"""

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch

from gptviz.checks import check_count, did_you_mean
from gptviz.errors import WrongType, fail
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
from gptviz.text.encoding import encode
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
    _source_tokens = 0  # of the source that a writer looks at

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
            ids = self._written_ids(self._writer(read, len(of_source[0])), check_count(max_tokens, "max_tokens"))
        else:
            given = self.target_ids(target, add_special_tokens) if isinstance(target, str) else target
            ids = self.encode(given, truncate=truncate)
        text = target if isinstance(target, str) and truncate is None else self.decode(ids)
        editing = self._writer(read, len(of_source[0])).editing(edits, len(ids))
        made = SequencePass(self.model, self._stacks, read, torch.tensor([ids], device=self.device), editing)
        if editing.edits:
            check_finite(made.logits, editing.edits)
        return SequenceTrace(self, (made.encoder, made, made.cross), of_source, (self.tokens(ids), text))

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
        read, (tokens, _) = self._read_source(source, sampling_rate, add_special_tokens, truncate)
        return loop.stream(self._writer(read, len(tokens)), self.target_ids(""), **settings)

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
        read, (tokens, text) = self._read_source(source, sampling_rate, add_special_tokens, truncate)
        return replace(loop.complete(self._writer(read, len(tokens)), self.target_ids(""), **settings), prompt=text)

    def _writer(self, source: torch.Tensor, tokens: int, each_row: bool = False) -> Any:
        """Returns this model as one that continues a target: a `RunnableModel` whose decoder looks at the source.

        tokens: how many the source has. each_row: see `DecoderWithSource`.
        """
        writer: Any = copy.copy(self)
        writer.reader = DecoderWithSource(self.model, source, each_row)
        writer._source_tokens = tokens
        return writer

    def with_source_of(self, trace: Trace, each_row: bool = False) -> Any:
        """Returns this model as one that reads targets with the source of a trace; see `rerunning_model`."""
        assert isinstance(trace, SequenceTrace)
        return self._writer(trace.encoder_input, len(trace.source_tokens), each_row)

    def check_edit(self, edit: Edit, length: int) -> None:
        """Raises an error if this model cannot be edited so, or the edit does not fit its source or a target."""
        check_edit_of_stack(edit, self.model, self._stacks, Lengths(self._source_tokens, length))

    def editing(self, edits: Any, length: int) -> StackEditing:  # type: ignore[override]
        """Checks edits for a target of `length` tokens and prepares them for all rows of a batch."""
        return self._editing([(ALL_ROWS, edit) for edit in check_edits(edits)], length, 1)

    def editing_rows(self, rows: Iterable[Any], length: int) -> StackEditing:  # type: ignore[override]
        """Checks and prepares a batch whose rows each have edits of their own, in the encoder too."""
        edits_of_rows = [check_edits(edits) for edits in rows]
        rows_edits = [(slice(i, i + 1), edit) for i, edits in enumerate(edits_of_rows) for edit in edits]
        return self._editing(rows_edits, length, len(edits_of_rows))

    def _editing(self, rows_edits: Iterable[RowsEdit], length: int, source_rows: int) -> StackEditing:
        lengths = Lengths(self._source_tokens, length)
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

    chat = next_token = trace_continued = role_scores = _refuse

"""Calls a model on token ids, as a decoder-only model or as an encoder-decoder with a source."""

from typing import Any

from torch import Tensor, nn


def call_model(model: nn.Module, ids: Tensor, source: Tensor | None = None, **keywords: Any) -> Any:
    """Returns what the model returns for ids (1, T), read as a whole.

    source: what the encoder of an encoder-decoder reads, token ids (1, S) or features of a sound; None for a decoder-only
    model.
    """
    if source is None:
        return model(ids, use_cache=False, **keywords)
    return model(source, decoder_input_ids=ids, use_cache=False, **keywords)


class DecoderWithSource:
    """The decoder of an encoder-decoder and the source that it looks at, called as a decoder-only model is.

    The encoder reads the source once, at the first call; or, if `each_row`, at every call and once for each row, so that
    edits of one row can act in it. The caller holds the model's lock.
    """

    def __init__(self, model: nn.Module, source: Tensor, each_row: bool = False):
        self._model, self._source, self._each_row = model, source, each_row
        self._encoded: Any = None

    def forward(self, ids: Tensor, past_key_values: Any = None, use_cache: bool = False) -> Any:
        """Returns what the model returns for target ids (rows, T), which follow those in the cache."""
        rows = len(ids)
        if self._encoded is None or self._each_row:
            source = self._source.expand(rows, *self._source.shape[1:]) if self._each_row else self._source
            self._encoded = self._model.get_encoder()(source)  # type: ignore[operator]
        outputs = type(self._encoded)(**{**self._encoded, "last_hidden_state": self._encoded[0].expand(rows, -1, -1)})
        return self._model(
            encoder_outputs=outputs, decoder_input_ids=ids, past_key_values=past_key_values, use_cache=use_cache
        )

    __call__ = forward

"""Makes batches of token ids from sentences and their translations."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from grammar import Pair, text
from torch import Tensor
from transformers import PreTrainedTokenizerBase


class Rows(NamedTuple):
    """A batch: what the encoder reads and which of it counts, (B, S); what the decoder reads and what it must write, (B, T).

    Column j of `source` is the word j of an English sentence. Row t of the decoder reads the token before the French word t
    and must write this word. `labels` is IGNORED after the end.
    """

    source: Tensor
    mask: Tensor
    target: Tensor
    labels: Tensor


IGNORED = -100  # transformers leaves such a label out of its loss


def rows_of(tokenizer: PreTrainedTokenizerBase, pairs: Sequence[Pair]) -> Rows:
    """Returns the batch of some sentences, padded on the right."""
    english, french = [text(pair.english) for pair in pairs], [text(pair.french) for pair in pairs]
    both = tokenizer(english, text_target=french, padding=True, return_tensors="pt")
    written = both["labels"]
    start = torch.full((len(pairs), 1), tokenizer.bos_token_id)
    labels = written.masked_fill(written == tokenizer.pad_token_id, IGNORED)
    return Rows(both["input_ids"], both["attention_mask"], torch.cat([start, written[:, :-1]], 1), labels)

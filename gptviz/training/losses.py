"""What training makes smaller: the loss of the next token, and that of preferences.

Sources: Rafailov et al. 2023, "Direct Preference Optimization" (DPO).
"""

from typing import Any

from torch import Tensor
from torch.nn.functional import cross_entropy, logsigmoid

from gptviz.training.batches import Batch


def next_token_loss(model: Any, batch: Batch) -> Tensor:
    """Returns the mean of -log p(token) over the tokens that count, in nats; each given all tokens before it."""
    logits = _logits(model, batch)
    return cross_entropy(logits.flatten(0, 1), batch.targets.flatten().to(logits.device))


def answer_log_probabilities(model: Any, batch: Batch) -> Tensor:
    """Returns for each text the sum of log p(token) over the tokens that count: (B,), in float32."""
    logits = _logits(model, batch)
    targets = batch.targets.to(logits.device)
    return -cross_entropy(logits.transpose(1, 2), targets, reduction="none").sum(1)


def preference_loss(chosen: Tensor, rejected: Tensor, of_reference: tuple[Tensor, Tensor], beta: float) -> Tensor:
    """Returns the DPO loss, the mean of -log sigmoid(beta ((c - c_ref) - (r - r_ref))).

    chosen, rejected: log-probabilities of the two answers of each pair, c and r. of_reference: those of the model before.
    """
    reference_chosen, reference_rejected = (values.to(chosen) for values in of_reference)
    return -logsigmoid(beta * ((chosen - reference_chosen) - (rejected - reference_rejected))).mean()


def _logits(model: Any, batch: Batch) -> Tensor:
    """Returns the logits that predict each token after the first, (B, T - 1, vocab), in float32."""
    device = model.get_input_embeddings().weight.device
    logits: Tensor = model(input_ids=batch.ids[:, :-1].to(device), use_cache=False).logits
    return logits.float()

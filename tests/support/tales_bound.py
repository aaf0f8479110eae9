"""How exact the probabilities of the shipped model *tales* are."""

from close import rounding

# The largest numbers in the residual stream of tales are near 120, and its logits are as exact as the stream. This is the
# bound of a logit and of a log-probability; of a probability or of a weight of attention, which are at most 1, it is too.
TALES_BOUND = rounding(120.0)

"""What the parts of a model do, measured: shares of a logit, role scores, sweeps, flow of credit, neighbours of a token."""

from gptviz.lens.cutting import Cuts, cuts
from gptviz.lens.embedding_table import project_onto_plane
from gptviz.lens.metrics import logit_difference, probability_of
from gptviz.lens.roles import NAMES, PAIRS, PERIOD, ROLES, role_scores
from gptviz.lens.roles import SENTENCE as GIVING
from gptviz.lens.routes import Flow, flow
from gptviz.lens.shares import Part, Share, attribution, direction, parts_at
from gptviz.lens.sweep import Sweep, ablation_sweep, patch_sweep, run_edited
from gptviz.lens.words import word_probability
from gptviz.trace.runnable import RunnableModel
from gptviz.trace.sources import Array

__all__ = [
    "GIVING", "NAMES", "PAIRS", "PERIOD", "ROLES", "Cuts", "Flow", "Part", "Share", "Sweep", "ablation_sweep", "attribution",
    "cuts", "direction", "flow", "logit_difference", "nearest", "parts_at", "patch_sweep", "principal_plane",
    "probability_of", "role_scores", "run_edited", "word_probability",
]  # fmt: skip


def nearest(gpt: RunnableModel, id: int, k: int = 10) -> list[tuple[int, float]]:
    """Returns the `k` tokens whose rows of the token table have the largest cosine to that of `id`: (id, cosine)."""
    return gpt.nearest(id, k)


def principal_plane(gpt: RunnableModel) -> tuple[Array, Array]:
    """Projects the token table onto its two principal components: points (vocab, 2), shares of variance (2,)."""
    return project_onto_plane(gpt.token_table()) if gpt.can_run else gpt.token_plane()

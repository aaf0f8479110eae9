"""What the parts of a model do, measured: shares of a logit, role scores of heads, sweeps, neighbours among embeddings."""

from gptviz.lens.shares import Share, attribution, direction, nearest, principal_plane, role_scores
from gptviz.lens.sweep import Sweep, ablation_sweep, logit_difference, patch_sweep, probability_of, run_edited

__all__ = [
    "Share", "Sweep", "ablation_sweep", "attribution", "direction", "logit_difference", "nearest", "patch_sweep",
    "principal_plane", "probability_of", "role_scores", "run_edited",
]  # fmt: skip

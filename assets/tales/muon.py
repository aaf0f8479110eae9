"""The optimizer Muon in float32 or bfloat16: it makes the momentum matrix orthogonal before adding it to the weights.

Source: Jordan et al. 2024 (kellerjordan.github.io/posts/muon), with the scaling of Liu et al. 2025 (arXiv 2502.16982),
which makes its learning rate comparable with AdamW's. `torch.optim.Muon` always computes in bfloat16. That is twice as
fast on a processor with bfloat16 arithmetic, and forty times slower on one without.
"""

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonal(matrix: Tensor, steps: int = 5) -> Tensor:
    """Returns the nearest matrix whose singular values are near 1, by a quintic Newton-Schulz iteration."""
    a, b, c = COEFFICIENTS
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if is_tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if is_tall else x


class Muon(torch.optim.Optimizer):
    """Applies orthogonalised Nesterov momentum to the matrices of the blocks."""

    def __init__(self, matrices: list[Tensor], lr: float, momentum: float = 0.95, weight_decay: float = 0.05):
        super().__init__(matrices, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self.dtype = torch.float32  # of the Newton-Schulz iteration only

    @torch.no_grad()
    def step(self, closure=None) -> None:
        for group in self.param_groups:
            for matrix in group["params"]:
                state = self.state[matrix]
                buffer = state.setdefault("momentum", torch.zeros_like(matrix))
                buffer.lerp_(matrix.grad, 1 - group["momentum"])
                update = orthogonal(matrix.grad.lerp(buffer, group["momentum"]).to(self.dtype)).to(matrix.dtype)
                matrix.mul_(1 - group["lr"] * group["weight_decay"])
                matrix.add_(update, alpha=-group["lr"] * 0.2 * max(matrix.shape) ** 0.5)

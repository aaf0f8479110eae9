"""BART's forward pass in NumPy float64, written from the papers: a truth that is independent of transformers and torch.

Sources: Vaswani et al. 2017, "Attention Is All You Need" (an encoder-decoder with norms after each sum); Lewis et al. 2020,
"BART" (learned positions whose table begins with two unused rows, a norm after the embedding, GELU, and a bias of the logits).
"""

import math

import numpy as np

erf = np.vectorize(math.erf)


class BartInNumpy:
    """The logits and the attention maps of one source and one target. state: the model's weights by name, as arrays."""

    def __init__(self, state, layers, heads):
        """layers, heads: {"encoder": number, "decoder": number}."""
        self.state = {name: np.asarray(value, np.float64) for name, value in state.items()}
        self.layers, self.heads = layers, heads
        self.maps = {"encoder": [], "decoder": [], "cross": []}

    def run(self, source, target):
        """Returns the logits: (T, vocab)."""
        encoded = self.embedded("encoder", source)
        for i in range(self.layers["encoder"]):
            block = f"model.encoder.layers.{i}"
            encoded = self.attended(f"{block}.self_attn", encoded, encoded, "encoder")
            encoded = self.through_mlp(block, encoded)
        x = self.embedded("decoder", target)
        for i in range(self.layers["decoder"]):
            block = f"model.decoder.layers.{i}"
            x = self.attended(f"{block}.self_attn", x, x, "decoder")
            x = self.attended(f"{block}.encoder_attn", x, encoded, "cross")
            x = self.through_mlp(block, x)
        return x @ self.state["model.shared.weight"].T + self.state["final_logits_bias"][0]

    def embedded(self, stack, ids):
        rows = self.state["model.shared.weight"][ids]
        positions = self.state[f"model.{stack}.embed_positions.weight"][2 : 2 + len(ids)]
        return self.normed(f"model.{stack}.layernorm_embedding", rows + positions)

    def attended(self, name, x, keys, stack):
        """Returns the norm of x plus attention from x to keys, and keeps the maps, (H, queries, keys)."""
        heads = self.heads["encoder" if stack == "encoder" else "decoder"]
        q, k, v = (
            self.linear(f"{name}.{part}_proj", rows).reshape(len(rows), heads, -1).swapaxes(0, 1)
            for part, rows in (("q", x), ("k", keys), ("v", keys))
        )
        scores = q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1])
        if stack == "decoder":
            scores[:, np.triu(np.ones(scores.shape[1:], bool), 1)] = -np.inf
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        self.maps[stack].append(weights)
        mixed = (weights @ v).swapaxes(0, 1).reshape(len(x), -1)
        return self.normed(f"{name}_layer_norm", x + self.linear(f"{name}.out_proj", mixed))

    def through_mlp(self, block, x):
        hidden = self.linear(f"{block}.fc1", x)
        hidden = hidden * (1 + erf(hidden / np.sqrt(2))) / 2
        return self.normed(f"{block}.final_layer_norm", x + self.linear(f"{block}.fc2", hidden))

    def linear(self, name, x):
        return x @ self.state[f"{name}.weight"].T + self.state[f"{name}.bias"]

    def normed(self, name, x):
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return x * self.state[f"{name}.weight"] + self.state[f"{name}.bias"]

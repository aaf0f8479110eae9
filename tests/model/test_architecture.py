"""What `GPT.architecture` says of small random models of many families, against what their papers and their code say."""

import families
import numpy as np
import pytest
import sequences
import torch
from close import rounding
from family_truth import IDS, LAYERS, is_refused, model_of, trace_of

import gptviz
from gptviz.errors import GPTVizError

PRE = ["before attention", "before the MLP"]
SHARED = ["before attention and the MLP"]
SANDWICH = ["before attention", "after attention", "before the MLP", "after the MLP"]
QK = ["inside attention"] * 2
ON_STREAM = ["on the stream itself"] * 2
LAST, EARLY = ["after the last block"], ["before the first block"]
LAYER, RMS = "LayerNorm", "RMSNorm"

# Of each family: order, the norms of a block and outside, their kind, the MLP, its bend, whether it is tied, positions.
KNOWN = {
    "gpt2": ("sequence", PRE, LAST, LAYER, "plain", "GELU (by tanh)", True, "table"),
    "gpt2_by_layer": ("sequence", PRE, LAST, LAYER, "plain", "GELU (by tanh)", False, "table"),
    "llama": ("sequence", PRE, LAST, RMS, "gated", "SiLU", False, "rotary"),
    "llama_scaled": ("sequence", PRE, LAST, RMS, "gated", "SiLU", True, "rotary"),
    "qwen3": ("sequence", [PRE[0], *QK, PRE[1]], LAST, RMS, "gated", "SiLU", False, "rotary"),
    "phi3": ("sequence", PRE, LAST, RMS, "gated", "SiLU", False, "rotary"),
    "gemma2": ("sequence", SANDWICH, LAST, RMS, "gated", "GELU (by tanh)", True, "rotary"),
    "olmo2": ("sequence", [*QK, SANDWICH[1], SANDWICH[3]], LAST, RMS, "gated", "SiLU", False, "rotary"),
    "gpt_neox": ("parallel", PRE, LAST, LAYER, "plain", "GELU", False, "rotary"),
    "gpt_neox_serial": ("sequence", PRE, LAST, LAYER, "plain", "GELU", False, "rotary"),
    "phi": ("parallel", SHARED, LAST, LAYER, "plain", "GELU (by tanh)", False, "rotary"),
    "cohere": ("parallel", SHARED, LAST, LAYER, "gated", "SiLU", True, "rotary"),
    "falcon": ("parallel", PRE, LAST, LAYER, "plain", "GELU", True, "rotary"),
    "gptj": ("parallel", SHARED, LAST, LAYER, "plain", "GELU (by tanh)", False, "other"),
    "opt": ("sequence", PRE, LAST, LAYER, "plain", "ReLU", True, "table"),
    "opt_post_norm": (None, ON_STREAM, [], LAYER, "unknown", None, True, "table"),
    "openai_gpt": (None, ON_STREAM, [], LAYER, "unknown", None, True, "table"),
    "bloom": ("sequence", PRE, [*EARLY, *LAST], LAYER, "plain", "GELU (by tanh)", True, "other"),
    "mpt": ("sequence", PRE, LAST, LAYER, "plain", "GELU", True, "other"),
    "mixtral": ("sequence", PRE, LAST, RMS, "experts", None, False, "rotary"),
    "gpt_oss": ("sequence", PRE, LAST, RMS, "experts", None, False, "rotary"),
}


def architecture_of(name):
    return trace_of(name).gpt.architecture()


@pytest.mark.parametrize("name", KNOWN)
def test_the_parts_are_those_of_the_family(name):
    order, in_block, outside, kind, mlp, bend, is_tied, positions = KNOWN[name]
    parts = architecture_of(name)
    assert len(parts.blocks) == LAYERS
    for block in parts.blocks:
        assert block.order == order and block.has_attention
        assert [norm.where for norm in block.norms] == in_block
        assert block.mlp.kind == mlp
        assert mlp == "experts" or block.mlp.bend == bend
    inside = {norm.name for block in parts.blocks for norm in block.norms}
    assert [norm.where for norm in parts.norms if norm.name not in inside] == outside
    assert {norm.kind for norm in parts.norms} == {kind}
    assert (parts.is_tied, parts.positions) == (is_tied, positions)


@pytest.mark.parametrize("name", families.ALL)
def test_a_norms_formula_gives_what_the_model_gives(name):
    """In NumPy, for the rows of a real pass, of which each row is another."""
    parts = architecture_of(name)
    assert parts.norms
    for norm in parts.norms:
        enters, leaves = parts.rows_at(norm, IDS)
        x = enters.astype(np.float64)
        x = x - x.mean(-1, keepdims=True) if norm.centred else x
        mine = x / np.sqrt((x**2).mean(-1, keepdims=True) + norm.epsilon) * norm.gain + norm.bias
        assert mine == pytest.approx(leaves, abs=rounding(mine, dtype=np.float32))
        assert norm(enters) == pytest.approx(leaves, abs=rounding(leaves))
        assert norm.without_gain(enters) * norm.gain + norm.bias == pytest.approx(
            leaves, abs=rounding(mine, dtype=np.float32)
        )
    assert parts.norm_to_read().where != "inside attention"


@pytest.mark.parametrize("name", families.ALL)
def test_each_parameter_belongs_to_one_part(name):
    """The sums are those of the modules that the family's own code names."""
    family, model, parts = families.ALL[name], model_of(name), architecture_of(name)
    sizes = {}
    for parameter, tensor in model.named_parameters(remove_duplicate=False):
        key = parts.block_of[parameter], parts.part_of[parameter]
        sizes[key] = sizes.get(key, 0) + tensor.numel()
    for number, block in enumerate(model.get_submodule(family.blocks)):
        attention = sum(one.numel() for one in block.get_submodule(family.attn).parameters())
        norms = sum(
            one.numel()
            for where, module in block.named_modules()
            if "norm" in type(module).__name__.lower() and not f"{where}.".startswith(f"{family.attn}.")
            for one in module.parameters(recurse=False)
        )
        whole = sum(one.numel() for one in block.parameters())
        assert sizes[number, "attention"] == attention
        assert sizes.get((number, "norms"), 0) == norms
        assert sizes[number, "MLPs"] == whole - attention - norms
    assert sizes[None, "token table"] == model.get_input_embeddings().weight.numel()
    assert sizes[None, "unembedding"] == sum(one.numel() for one in model.get_output_embeddings().parameters())
    has_table = family.positions and name != "xglm"  # whose position rows are computed, not trained
    assert has_table == ((None, "position table") in sizes)


@pytest.mark.parametrize("name", families.ALL)
def test_an_mlp_adds_to_one_token_what_it_added_in_the_whole_pass(name):
    trace = trace_of(name)
    for layer, block in enumerate(architecture_of(name).blocks):
        if is_refused(lambda layer=layer: trace.mlp_in(layer)):
            assert block.order is None or name in ("bloom", "mpt"), (
                "the MLP's own input is not a row of the stream's width"
            )
            continue
        alone = block.mlp(trace.mlp_in(layer)[4:5])[0]
        truth = trace.mlp_out(layer)[4]
        assert alone == pytest.approx(truth, abs=rounding(truth, trace.mlp_in(layer)))
        assert block.mlp.d_mlp in (None, trace.mlp_activations(layer).shape[1] if block.mlp.d_mlp else None)


def test_a_bend_is_recognised_by_its_numbers():
    """A SiLU whose class says nothing of its name is one; a function of no usual kind has no name."""

    class Bend(torch.nn.Module):
        def __init__(self, function):
            super().__init__()
            self.function = function

        def forward(self, x):
            return self.function(x)

    for function, name in (
        (torch.nn.functional.silu, "SiLU"),
        (lambda x: x.relu() ** 2, "squared ReLU"),
        (torch.sin, None),
    ):
        model = families.build("llama")
        for block in model.model.layers:
            block.mlp.act_fn = Bend(function)
        blocks = gptviz.wrap(model, families.tokenizer()).architecture().blocks
        assert {block.mlp.bend for block in blocks} == {name}
        assert name is None or blocks[0].mlp.in_words() == f"a gated MLP with 56 neurons; the bend is {name}"


def test_an_epsilon_without_a_name_is_measured():
    class Nameless(torch.nn.Module):
        def forward(self, x):
            return torch.nn.functional.layer_norm(x, (24,), eps=3e-4)

    model = families.build("gpt2")
    model.transformer.h[1].ln_1 = Nameless()
    (norm,) = [
        norm for norm in gptviz.wrap(model, families.tokenizer()).architecture().norms if norm.name.endswith("1.ln_1")
    ]
    assert norm.epsilon == pytest.approx(3e-4, rel=0.02)
    assert norm.gain.tolist() == [1.0] * 24 and norm.centred


def test_blocks_that_differ_are_told_apart_in_words():
    model = families.build("gpt_neox")
    model.gpt_neox.layers[1].use_parallel_residual = False
    parts = gptviz.wrap(model, families.tokenizer()).architecture()
    assert parts.in_words("blocks").splitlines() == [
        "blocks 0, 2: attention and the MLP side by side; both read what enters the block",
        "block 1: attention first; then the MLP reads the stream to which attention has added",
    ]
    assert parts.in_words("norms").splitlines()[-1] == "outside of the blocks: LayerNorm after the last block"
    assert parts.in_words("tables").splitlines()[0] == "embedding and unembedding: two tables"


def test_what_cannot_be_told_is_refused_in_words():
    with pytest.raises(GPTVizError, match="Did you mean norms"):
        architecture_of("gpt2").in_words("norm")
    assert is_refused(sequences.trace_of("t5").gpt.architecture)

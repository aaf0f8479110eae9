"""The same numbers from TransformerLens 4 on the same GPT-2 weights: `make test-peers`, in a separate environment.

Random weights (three layers, four heads) and `tales`. Ablations, patches, steering, the lens and attributions agree to
rounding. Attributions are read from a bridge whose final norm is folded into the unembedding, as TransformerLens asks.
"""

from functools import cache, partial

import numpy as np
import pytest
import torch
from close import assert_close
from families import IDS, build, tokenizer
from transformer_lens.model_bridge import TransformerBridge
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

import gptviz
from gptviz import lens
from gptviz._paths import assets_dir

OTHER = [72, 258, 31, 9, 201, 17, 72, 40, 119, 31, 77]
GIVEN = "When Anna and Tom went to the park, Tom gave a book to"
TAKEN = "When Anna and Tom went to the park, Anna gave a book to"
MODELS = ["random", "tales"]
models = pytest.mark.parametrize("name", MODELS)


def weights(name):
    return build("gpt2") if name == "random" else AutoModelForCausalLM.from_pretrained(assets_dir() / "tales").eval()


@cache
def gpt(name):
    return gptviz.wrap(weights("random"), tokenizer()) if name == "random" else gptviz.load()


@cache
def texts(name):
    """Returns the ids of two texts of equal length."""
    ids = (IDS, OTHER) if name == "random" else tuple(gpt(name).encode(text) for text in (GIVEN, TAKEN))
    assert len(ids[0]) == len(ids[1])
    return ids


@cache
def traces(name):
    return tuple(gpt(name).trace(ids) for ids in texts(name))


def bridge_of(name, folder):
    """Makes a bridge of a separate copy of the model, so that its hooks and those of gptviz do not meet."""
    gpt(name).tokenizer.save_pretrained(folder)  # TransformerLens reads a tokenizer's settings from its folder
    return TransformerBridge.boot_transformers(
        "gpt2", hf_model=weights(name), tokenizer=PreTrainedTokenizerFast.from_pretrained(folder)
    )


@pytest.fixture(scope="module")
def bridge(tmp_path_factory):
    return cache(lambda name: bridge_of(name, tmp_path_factory.mktemp(name)))


@pytest.fixture(scope="module")
def folded(tmp_path_factory):
    def make(name):
        bridge = bridge_of(name, tmp_path_factory.mktemp(name))
        bridge.enable_compatibility_mode(
            fold_ln=True, center_writing_weights=False, center_unembed=False, fold_value_biases=False
        )
        return bridge

    return cache(make)


def assert_near(name, actual, expected):
    """Fails where numbers differ by more than rounding at their own size, or that of the model's logits."""
    assert_close(actual, expected, scale=traces(name)[0].logits)


def hooked_logits(bridge, ids, *hooks):
    """Returns TransformerLens's logits with these hooks, (T, vocab)."""
    with torch.no_grad():
        logits = bridge.run_with_hooks(torch.tensor([ids]), fwd_hooks=list(hooks), prepend_bos=False)
    return logits[0].numpy()


def recorded(bridge, ids):
    """Returns TransformerLens's cache of a pass."""
    with torch.no_grad():
        return bridge.run_with_cache(torch.tensor([ids]), prepend_bos=False)[1]


def set_at(where, value, x, hook):
    """A hook of TransformerLens, with its first two arguments given: sets part of what passes."""
    x = x.clone()
    x[where] = value
    return x


def assert_same_edit(name, bridge, edits, *hooks):
    """Checks that the edited pass has the logits of the hooked bridge, and that the edits change them."""
    logits = gpt(name).trace(texts(name)[0], edits=edits).logits
    assert_near(name, logits, hooked_logits(bridge(name), texts(name)[0], *hooks))
    assert np.abs(logits - traces(name)[0].logits).max() > 1e-2


@models
def test_a_plain_pass(name, bridge):
    assert_near(name, traces(name)[0].logits, hooked_logits(bridge(name), texts(name)[0]))
    cache_of_pass = recorded(bridge(name), texts(name)[0])
    for layer in range(gpt(name).n_layers):
        assert_near(name, traces(name)[0].attention(layer), cache_of_pass[f"blocks.{layer}.attn.hook_pattern"][0])
        assert_near(name, traces(name)[0].residual(layer), cache_of_pass[f"blocks.{layer}.hook_resid_pre"][0])


@models
@pytest.mark.parametrize("layer, head", [(0, 1), (1, 3), (2, 0)])
def test_ablations_of_heads(name, bridge, layer, head):
    place, whole_head = f"blocks.{layer}.attn.hook_z", np.s_[:, :, head]
    assert_same_edit(name, bridge, [gptviz.ablate_head(layer, head)], (place, partial(set_at, whole_head, 0)))
    mean = recorded(bridge(name), texts(name)[1])[place][0, :, head].mean(0)
    edit = gptviz.ablate_head(layer, head, to="mean", reference=traces(name)[1])
    assert_same_edit(name, bridge, [edit], (place, partial(set_at, whole_head, mean)))


@models
def test_ablations_of_mlps_and_neurons(name, bridge):
    assert_same_edit(name, bridge, [gptviz.ablate_mlp(1)], ("blocks.1.hook_mlp_out", partial(set_at, np.s_[:], 0)))
    neurons = [5, 17, 40]
    edits = [gptviz.ablate_neuron(2, neuron) for neuron in neurons]
    logits = gpt(name).trace(texts(name)[0], edits=edits).logits
    assert_near(
        name,
        logits,
        hooked_logits(
            bridge(name), texts(name)[0], ("blocks.2.mlp.hook_post", partial(set_at, np.s_[:, :, neurons], 0))
        ),
    )


@models
@pytest.mark.parametrize("position", [-1, 3, None])
@pytest.mark.parametrize(
    "site, place", [("residual", "hook_resid_pre"), ("attn_out", "hook_attn_out"), ("mlp_out", "hook_mlp_out")]
)
def test_patches(name, bridge, site, place, position):
    place, where = f"blocks.1.{place}", np.s_[:, slice(None) if position is None else position]
    cache_of_pass = recorded(bridge(name), texts(name)[1])[place]
    edit = gptviz.patch(site, 1, position, source=traces(name)[1])
    logits = gpt(name).trace(texts(name)[0], edits=[edit]).logits
    assert_near(
        name, logits, hooked_logits(bridge(name), texts(name)[0], (place, partial(set_at, where, cache_of_pass[where])))
    )


@models
@pytest.mark.parametrize("position", [-1, None])
def test_patches_of_heads(name, bridge, position):
    place, where = "blocks.1.attn.hook_z", np.s_[:, slice(None) if position is None else position, 2]
    cache_of_pass = recorded(bridge(name), texts(name)[1])[place]
    edit = gptviz.patch("head_output", 1, position, source=traces(name)[1], head=2)
    logits = gpt(name).trace(texts(name)[0], edits=[edit]).logits
    assert_near(
        name, logits, hooked_logits(bridge(name), texts(name)[0], (place, partial(set_at, where, cache_of_pass[where])))
    )


@models
def test_a_row_of_attention(name, bridge):
    row = torch.tensor([0.5, 0, 0, 0.25, 0.25])
    edit = gptviz.set_attention(1, 2, 4, row)
    whole = torch.zeros(len(texts(name)[0]))
    whole[:5] = row
    assert_same_edit(name, bridge, [edit], ("blocks.1.attn.hook_pattern", partial(set_at, np.s_[:, 2, 4], whole)))


@models
def test_steering(name, bridge):
    vector = np.linspace(-1, 1, gpt(name).d_model).astype(np.float32)
    edit = gptviz.steer(2, vector, 0.8)
    assert_same_edit(name, bridge, [edit], ("blocks.2.hook_resid_pre", lambda x, hook: x + 0.8 * torch.tensor(vector)))


@models
def test_several_edits_at_once(name, bridge):
    cache_of_pass = recorded(bridge(name), texts(name)[1])["blocks.2.hook_resid_pre"]
    edits = [gptviz.ablate_head(0, 1), gptviz.ablate_mlp(1), gptviz.patch("residual", 2, 3, source=traces(name)[1])]
    hooks = [
        ("blocks.0.attn.hook_z", partial(set_at, np.s_[:, :, 1], 0)),
        ("blocks.1.hook_mlp_out", partial(set_at, np.s_[:], 0)),
        ("blocks.2.hook_resid_pre", partial(set_at, np.s_[:, 3], cache_of_pass[:, 3])),
    ]
    assert_same_edit(name, bridge, edits, *hooks)


@models
def test_sweeps(name, bridge):
    """TransformerLens patches one place a pass, in a loop."""
    corrupted, clean = traces(name)
    right, wrong = (int(trace.logits[-1].argmax()) for trace in (clean, corrupted))
    metric = lens.logit_difference(right, wrong)
    ablated = lens.ablation_sweep(corrupted, metric).metric
    patched = lens.patch_sweep(clean, corrupted, metric).metric
    cache_of_pass = recorded(bridge(name), texts(name)[1])
    for layer in range(gpt(name).n_layers):
        for head in range(gpt(name).n_heads):
            hook = (f"blocks.{layer}.attn.hook_z", partial(set_at, np.s_[:, :, head], 0))
            assert_near(name, ablated[layer, head], metric(hooked_logits(bridge(name), texts(name)[0], hook)[-1]))
        place = f"blocks.{layer}.hook_resid_pre"
        for position in range(len(corrupted.tokens)):
            hook = (place, partial(set_at, np.s_[:, position], cache_of_pass[place][:, position]))
            assert_near(name, patched[layer, position], metric(hooked_logits(bridge(name), texts(name)[0], hook)[-1]))


@models
def test_the_logit_lens(name, bridge):
    cache_of_pass = recorded(bridge(name), texts(name)[0])
    layers = gpt(name).n_layers
    states = [cache_of_pass[f"blocks.{layer}.hook_resid_pre"] for layer in range(layers)]
    states.append(cache_of_pass[f"blocks.{layers - 1}.hook_resid_post"])
    with torch.no_grad():
        for position in (-1, 4):
            expected = [bridge(name).unembed(bridge(name).ln_final(state))[0, position].numpy() for state in states]
            assert_near(name, traces(name)[0].logit_lens(position), np.stack(expected))


@models
@pytest.mark.parametrize("position", [-1, 5])
def test_attributions(name, folded, position):
    """By head and by component; TransformerLens leaves out the biases."""
    trace = traces(name)[0]
    id = int(trace.logits[position].argmax())
    cache_of_pass = recorded(folded(name), texts(name)[0])
    shares = lens.attribution(trace, id, position, neurons=True)

    def their_attributions(stack):
        with torch.no_grad():
            return cache_of_pass.logit_attrs(stack, torch.tensor([id]))[:, 0, position].numpy()

    heads, labels = cache_of_pass.stack_head_results(layer=-1, return_labels=True)
    mine = {f"L{s.layer}H{s.head}": s.value for s in shares if s.part == "head"}
    assert_near(name, [mine[label] for label in labels], their_attributions(heads))
    parts, labels = cache_of_pass.decompose_resid(layer=-1, return_labels=True)
    mine = {"embed": total(shares, "token"), "pos_embed": total(shares, "position")}
    for layer in range(trace.n_layers):
        mine[f"{layer}_attn_out"] = total(shares, "head", "head_bias", layer=layer)
        mine[f"{layer}_mlp_out"] = total(shares, "neuron", "mlp_bias", layer=layer)
    assert set(labels) == set(mine)
    assert_near(name, [mine[label] for label in labels], their_attributions(parts))
    neurons, labels = cache_of_pass.stack_neuron_results(layer=-1, return_labels=True)
    mine = {f"L{s.layer}N{s.neuron}": s.value for s in shares if s.part == "neuron"}
    assert_near(name, [mine[label] for label in labels], their_attributions(neurons))


def total(shares, *parts, layer=None):
    return sum(share.value for share in shares if share.part in parts and share.layer == layer)

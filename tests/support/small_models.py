"""Makes small random GPT-2s whose attention is neither even nor one-hot, and switches off their parts by hooks."""

import torch
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

import gptviz
from gptviz._paths import assets_dir

LAYERS, HEADS = 2, 3


def strong_gpt2(seed=3, **config):
    """Returns a random GPT-2 with weights so large that a head matters, and shapes that a transposition would show in."""
    torch.manual_seed(seed)
    shape = {"vocab_size": 907, "n_embd": 24, "n_layer": LAYERS, "n_head": HEADS, "n_positions": 64} | config
    model = GPT2LMHeadModel(GPT2Config(**shape)).eval()
    with torch.no_grad():
        for block in model.transformer.h:
            block.attn.c_attn.weight.normal_(0, 0.6)
            block.attn.c_proj.weight.normal_(0, 0.6)
        model.lm_head.weight.normal_(0, 0.6)
    return model


def gpt_for_any_text():
    """Returns a GPT of 2 layers and 3 heads with the embedded model's tokenizer, which spells odd text in bytes."""
    torch.manual_seed(5)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=4096, n_embd=24, n_layer=2, n_head=3, n_positions=400)).eval()
    with torch.no_grad():
        for block in model.transformer.h:
            block.attn.c_attn.weight.normal_(0, 0.7)
        model.lm_head.weight.normal_(0, 0.8)
    return gptviz.wrap(model, AutoTokenizer.from_pretrained(assets_dir() / "tales"))


def silenced_probabilities(gpt, ids, layer=None, head=None):
    """Returns the next token's probabilities (vocabulary,) of the model itself, with a hook that switches a part off.

    With a layer and a head that head is off, with a layer alone its MLP, and with neither nothing.
    """
    if layer is None:
        hooks = []
    elif head is None:
        hooks = [gpt.model.transformer.h[layer].mlp.register_forward_hook(lambda *args: torch.zeros_like(args[2]))]
    else:
        width = gpt.d_head

        def silence(_module, args):
            mixed = args[0].clone()
            mixed[..., head * width : (head + 1) * width] = 0
            return (mixed,)

        hooks = [gpt.model.transformer.h[layer].attn.c_proj.register_forward_pre_hook(silence)]
    try:
        with torch.no_grad():
            return gpt.model(torch.tensor([ids])).logits[0, -1].double().softmax(-1).numpy()
    finally:
        for hook in hooks:
            hook.remove()

"""What cannot be wrapped is refused in words, and what only looks so can be wrapped."""

import pytest
import torch
import transformers
from close import assert_close
from families import _GEMMA, IDS, VOCAB, build, randomise, tokenizer
from tokenizers import Tokenizer, models
from torch import nn
from transformers import GPT2Config, PreTrainedTokenizerFast
from transformers.modeling_outputs import CausalLMOutput

import gptviz
from gptviz.errors import GPTVizError, NotAvailable, WrongType
from gptviz.model.capture import running
from gptviz.model.requirements import check_forward

_ENCODER = {
    "vocab_size": VOCAB, "hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 56,
    "max_position_embeddings": 64,
}  # fmt: skip
_XLM = {"vocab_size": VOCAB, "emb_dim": 24, "n_layers": 3, "n_heads": 4, "max_position_embeddings": 64}


def bert(decoder):
    return transformers.BertLMHeadModel(transformers.BertConfig(**_ENCODER, is_decoder=decoder))


def roberta(decoder):
    return transformers.RobertaForCausalLM(transformers.RobertaConfig(**_ENCODER, is_decoder=decoder))


def xlm(causal):
    return transformers.XLMWithLMHeadModel(transformers.XLMConfig(**_XLM, causal=causal))


def llama(causal):
    model = build("llama")
    model.config.is_causal = causal
    return model


def gemma3(causal):
    return transformers.Gemma3ForCausalLM(
        transformers.Gemma3TextConfig(**_GEMMA, use_bidirectional_attention=not causal)
    )


def one_linear_map_of_the_mean(causal):
    """Returns a GPT-2 to whose embeddings the mean over the text is added, or over the tokens so far."""
    model = build("gpt2")

    def add_mean(_module, _args, rows):
        counts = torch.arange(1, rows.shape[1] + 1)[:, None]
        return rows + (rows.cumsum(1) / counts if causal else rows.mean(1, keepdim=True))

    model.transformer.wte.register_forward_hook(add_mean)
    return model


@pytest.mark.parametrize("make", [bert, roberta, xlm, llama, gemma3, one_linear_map_of_the_mean])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_model_that_looks_at_later_tokens_is_refused(make, dtype):
    torch.manual_seed(0)
    made = [make(causal).eval().requires_grad_(False) for causal in (False, True)]
    for model in made:
        randomise(model, 3)
        model.to(dtype)
    with pytest.raises(NotAvailable, match="not causal: another last token moves an earlier logit"):
        gptviz.wrap(made[0], tokenizer())
    with running(made[1]):
        check_forward(made[1], torch.tensor([IDS[:4]]))


def test_a_model_with_random_logits_is_not_called_non_causal():
    model = build("llama")
    model.model.layers[1].mlp.register_forward_hook(lambda _module, _args, out: out + torch.randn_like(out))
    with pytest.raises(GPTVizError, match="same logits each time"):
        gptviz.wrap(model, tokenizer())


class Own(transformers.PreTrainedModel):
    """A model of one's own: one linear map, and a forward without use_cache."""

    config_class = GPT2Config

    def __init__(self, config):
        super().__init__(config)
        self.wte = nn.Embedding(VOCAB, 24)
        self.blocks = nn.ModuleList([nn.Linear(24, 24)])
        self.lm_head = nn.Linear(24, VOCAB)
        self.post_init()

    def get_input_embeddings(self):
        return self.wte

    def get_output_embeddings(self):
        return self.lm_head

    def logits(self, ids):
        return self.lm_head(self.blocks[0](self.wte(ids)))

    def forward(self, input_ids, labels=None):
        return CausalLMOutput(logits=self.logits(input_ids))


class WithoutMaps(Own):
    def forward(self, input_ids, use_cache=None):
        return CausalLMOutput(logits=self.logits(input_ids))


class WithoutAttention(Own):
    def forward(self, input_ids, **_keywords):
        return CausalLMOutput(logits=self.logits(input_ids))


class Pair(Own):
    def forward(self, input_ids, **_keywords):
        return (self.logits(input_ids),)


class LastAlone(Own):
    def forward(self, input_ids, **_keywords):
        return CausalLMOutput(logits=self.logits(input_ids)[:, -1:])


class Broken(Own):
    def forward(self, input_ids, **_keywords):
        return CausalLMOutput(logits=self.logits(input_ids).view(7))


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        (Own, "use_cache"),
        (WithoutMaps, "output_attentions"),
        (WithoutAttention, "0 attention modules"),
        (Pair, "a tuple"),
        (LastAlone, r"\(1, 1, 269\) for 4 tokens"),
        (Broken, "RuntimeError: shape"),
    ],
)
def test_a_forward_that_cannot_be_used_is_refused_in_words(kind, part):
    config = GPT2Config(vocab_size=VOCAB, bos_token_id=1, eos_token_id=2)
    with pytest.raises(GPTVizError, match=part) as caught:
        gptviz.wrap(kind(config), tokenizer())
    assert kind.__name__ in caught.value.got


@pytest.mark.parametrize("name", ["gpt_neo", "llama"])
def test_a_config_that_asks_for_tuples_is_overruled(name):
    """Without gptviz, a Llama with such a config cannot run at all."""
    plain, model = build(name), build(name)
    model.config.return_dict = False
    gpt = gptviz.wrap(model, tokenizer())
    assert_close(gpt.trace(IDS).logits, plain(torch.tensor([IDS])).logits[0])
    ids = gpt.complete(IDS, max_tokens=3, temperature=0).choices[0].token_ids
    assert ids == gptviz.wrap(plain, tokenizer()).complete(IDS, max_tokens=3, temperature=0).choices[0].token_ids
    assert gptviz.lens.run_edited(gpt, IDS, [[gptviz.ablate_mlp(0)]]).shape == (1, VOCAB)
    assert model.config.return_dict is False


class Adapted(nn.Module):
    """What peft returns: a module around the model, with a method that gives it back."""

    def __init__(self, model):
        super().__init__()
        self.base_model = model

    def get_base_model(self):
        return self.base_model


@pytest.mark.parametrize(
    ("wrapper", "part"),
    [
        (nn.DataParallel, r"gptviz\.wrap\(model\.module, tokenizer\)"),
        (torch.compile, r"gptviz\.wrap\(model\._orig_mod, tokenizer\)"),
        (Adapted, r"gptviz\.wrap\(model\.get_base_model\(\), tokenizer\).*model\.merge_and_unload\(\)"),
        (lambda m: torch.compile(Adapted(m)), r"wrap\(model\._orig_mod\.get_base_model\(\), tok.*_orig_mod\.merge_and"),
        (lambda m: nn.DataParallel(nn.Linear(2, 2)), "AutoModelForCausalLM"),
        (lambda m: m.transformer, "AutoModelForCausalLM"),
    ],
)
def test_what_wraps_a_model_is_refused_with_the_way_to_the_model(wrapper, part):
    with pytest.raises(WrongType, match=part):
        gptviz.wrap(wrapper(build("gpt2")), tokenizer())


def test_offloaded_weights_are_refused():
    model = build("llama")
    model.model.layers[1].to("meta")
    with pytest.raises(GPTVizError, match=r"in memory.*16 weights.*model\.layers\.1\.self_attn\.q_proj\.weight"):
        gptviz.wrap(model, tokenizer())


@pytest.mark.parametrize("kind", [transformers.GPT2Tokenizer, transformers.GemmaTokenizer, transformers.LlamaTokenizer])
def test_a_tokenizer_without_its_files_is_refused(kind):
    with pytest.raises(GPTVizError, match=f"{kind.__name__} that has special tokens at most"):
        gptviz.wrap(build("gpt2"), kind())


def test_a_small_vocabulary_is_a_vocabulary():
    backend = Tokenizer(models.WordLevel({"[UNK]": 0, "owl": 1}, unk_token="[UNK]"))
    words = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]")
    assert [token.text for token in gptviz.wrap(build("gpt2"), words).trace("owl").tokens] == ["owl"]


@pytest.mark.parametrize("name", ["llama", "gpt_neo", "bloom", "gemma2"])
def test_blocks_that_no_pass_visits_are_left_out(name):
    model = build(name)
    length = "num_layers" if name == "gpt_neo" else "num_hidden_layers"
    whole = gptviz.wrap(model, tokenizer())
    setattr(model.config, length, 2)
    logits = model(torch.tensor([IDS]), use_cache=False).logits[0]
    trace = gptviz.wrap(model, tokenizer()).trace(IDS)
    visited = 2 if name in ("llama", "gemma2") else 3  # the others read their own list to its end
    assert (whole.n_layers, trace.n_layers, trace.attention().shape[0]) == (3, visited, visited)
    assert_close(trace.logits, logits, scale=trace.residual(visited))
    parts = [trace.embedding(), *(part(i) for i in range(visited) for part in (trace.attn_out, trace.mlp_out))]
    assert_close(sum(parts), trace.residual(visited), scale=parts)


def test_a_kind_of_attention_that_cannot_be_followed_stays_not_available():
    config = GPT2Config(vocab_size=VOCAB, bos_token_id=1, eos_token_id=2)
    with pytest.raises(NotAvailable):
        gptviz.wrap(WithoutAttention(config), tokenizer())

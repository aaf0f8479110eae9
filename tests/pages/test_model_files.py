"""Which models a page can run: GPT-2's architecture and tokenizer, small enough. Others are refused in words."""

import json

import pytest
import torch
from safetensors.numpy import load as read_safetensors
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import GPT2Config, GPT2LMHeadModel, GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedTokenizerFast

import gptviz
from gptviz.errors import GPTVizError
from gptviz.handout.pocket import save_pocket
from gptviz.lab.cli import main
from gptviz.pages.model_files import check_model, model_files, round_weights


def small(**settings):
    torch.manual_seed(3)
    config = GPT2Config(n_layer=2, n_head=2, n_embd=16, n_positions=40, vocab_size=4096, **settings)
    return gptviz.wrap(GPT2LMHeadModel(config), gptviz.load().tokenizer)


def test_weights_are_those_of_the_model_after_rounding():
    gpt = small()
    with pytest.raises(GPTVizError, match="float16 holds exactly"):
        model_files(gpt)
    change = round_weights(gpt)
    assert 0 < change < 1e-3
    assert round_weights(gpt) == 0
    files = model_files(gpt)
    weights = read_safetensors(files.weights)
    for name, array in weights.items():
        assert array.dtype == "float16"
        assert (torch.tensor(array).float() == gpt.model.state_dict()[name]).all()
    assert "lm_head.weight" not in weights and len(weights) == 2 + 12 * 2 + 2
    json.dumps([files.config, files.tokenizer])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"activation_function": "relu"}, "activation_function"),
        ({"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx"),
        ({"scale_attn_weights": False}, "scale_attn_weights"),
    ],
)
def test_other_arithmetic_is_refused(settings, words):
    with pytest.raises(GPTVizError, match=words):
        check_model(small(**settings))


def test_other_models_are_refused_before_anything_is_written(tmp_path):
    config = GPTNeoXConfig(
        vocab_size=4096, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    other = gptviz.wrap(GPTNeoXForCausalLM(config), gptviz.load().tokenizer)
    with pytest.raises(GPTVizError, match=r"a GPT-2 with model_type gpt2\. Got .* with gpt_neox"):
        save_pocket(tmp_path / "page.html", other)
    words = Tokenizer(WordLevel({"[UNK]": 0, "one": 1, "word": 2}, unk_token="[UNK]"))
    by_words = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]")
    with pytest.raises(GPTVizError, match="byte-level BPE"):
        check_model(gptviz.wrap(GPT2LMHeadModel(GPT2Config(n_layer=1, n_head=2, n_embd=16, vocab_size=3)), by_words))
    large = gptviz.wrap(
        GPT2LMHeadModel(GPT2Config(n_layer=1, n_head=2, n_embd=1024, vocab_size=4096)),
        gptviz.load().tokenizer,
    )
    with pytest.raises(GPTVizError, match="at most 7,000,000 parameters"):
        check_model(large)
    assert list(tmp_path.iterdir()) == []


def test_weights_that_float16_does_not_hold_are_refused():
    gpt = small()
    with torch.no_grad():
        gpt.model.transformer.wpe.weight[3, 3] = 70_000
    with pytest.raises(GPTVizError, match="65,504"):
        round_weights(gpt)


def test_the_command_writes_a_page_of_a_folder(tmp_path, capsys):
    gpt = small()
    gpt.model.save_pretrained(tmp_path / "model")
    gpt.tokenizer.save_pretrained(tmp_path / "model")
    target = tmp_path / "small.html"
    assert main(["pocket", "--model", str(tmp_path / "model"), "-o", str(target), "--language", "zh"]) == 0
    assert "MB" in (printed := capsys.readouterr().out) and "rounded to float16" in printed
    assert 'lang="zh-Hans"' in target.read_text("utf-8")
    assert main(["pocket", "--model", str(tmp_path / "nothing"), "-o", str(target)]) == 1
    assert "Expected" in capsys.readouterr().err

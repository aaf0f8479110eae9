"""Loading a model: from a folder, by a known name, and what is refused or explained."""

import copy
import json
import shutil
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from threading import Thread

import numpy as np
import pytest
import torch
import transformers
from close import assert_float32_close
from families import build, tokenizer
from sequences import RATE, SOUND, SOURCE, TARGET, model_of, processor, trace_of

import gptviz
from gptviz.errors import GPTVizError, ModelNotFound, WrongType


@pytest.fixture(scope="module")
def gpt():
    return gptviz.wrap(build("gpt2"), tokenizer())


def test_a_saved_folder_loads_in_float32_and_is_the_same_model(gpt, tmp_path):
    gpt.model.save_pretrained(tmp_path)
    gpt.tokenizer.save_pretrained(tmp_path)
    loaded = gptviz.load(tmp_path)
    assert loaded.dtype == torch.float32
    np.testing.assert_array_equal(loaded.trace("Ada").logits, gpt.trace("Ada").logits)
    half, whole = gptviz.load(tmp_path, dtype="bfloat16").trace("Ada"), gpt.trace("Ada")
    scores = [whole.scores(layer, head, "scaled") for layer in range(gpt.n_layers) for head in range(gpt.n_heads)]
    assert_float32_close(half.attention(), whole.attention(), scale=scores, factor=1, dtype=torch.bfloat16)


def test_an_encoder_decoder_loads_from_a_folder(tmp_path):
    model_of("bart").save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    loaded = gptviz.load(tmp_path)
    assert not loaded.decoder_only and loaded.name == tmp_path.name
    np.testing.assert_array_equal(loaded.trace(SOURCE, TARGET).logits, trace_of("bart").logits)


def test_a_model_that_reads_sound_loads_with_its_processor(tmp_path):
    """A target begins with the start, language and task tokens that the tokenizer of Whisper writes."""
    own = transformers.WhisperTokenizer(tokenizer().get_vocab(), [], bos_token="</s>", eos_token="</s>")
    marks = ["<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>"]
    own.add_special_tokens({"additional_special_tokens": marks})
    model = copy.deepcopy(model_of("whisper"))
    ids = own.convert_tokens_to_ids(marks)
    model.config.decoder_start_token_id = model.generation_config.decoder_start_token_id = ids[0]
    model.save_pretrained(tmp_path)
    transformers.WhisperProcessor(processor().feature_extractor, own).save_pretrained(tmp_path)
    trace = gptviz.load(tmp_path).trace(SOUND, "owl", sampling_rate=RATE)
    assert [token.id for token in trace.tokens] == [ids[0], ids[3], *own.convert_tokens_to_ids(list("owl"))]
    assert [token.special for token in trace.tokens] == [True, True, False, False, False]
    assert len(trace.source_tokens) == 50 and trace.attention(stack="cross").shape == (3, 4, 5, 50)


def test_pickled_weights_are_refused_unless_asked_for(gpt, tmp_path):
    gpt.model.config.save_pretrained(tmp_path)
    gpt.tokenizer.save_pretrained(tmp_path)
    torch.save(gpt.model.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelNotFound, match="pickled weights"):
        gptviz.load(tmp_path)
    with pytest.warns(UserWarning, match="pickled"):
        assert gptviz.load(tmp_path, use_safetensors=False).n_layers == gpt.n_layers


def test_an_unknown_keyword_is_named():
    with pytest.raises(WrongType, match="devise"):
        gptviz.load(devise="cpu")


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("gtp2", "gpt2"),
        ("gpt2", "needs a download"),
        ("nobody/nothing", "nobody/nothing"),
        ("./no/such", "not a folder"),
    ],
)
def test_a_model_that_is_not_here_is_explained(name, part, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelNotFound) as caught:
        gptviz.load(name)
    assert part in str(caught.value) and "Expected" in str(caught.value)


@pytest.mark.parametrize(("name", "code"), [("gpt2", "needs_download"), ("nobody/nothing", "not_found")])
def test_a_missing_model_is_told_to_the_page_as_a_code_with_facts(name, code, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelNotFound) as caught:
        gptviz.load(name)
    here = ", ".join(model.name for model in gptviz.models() if model.here)
    assert (caught.value.code, caught.value.facts) == (code, {"name": name, "here": here})


@pytest.mark.parametrize("answers", [True, False])
def test_a_hub_that_cannot_be_reached_is_asked_once(answers, monkeypatch):
    asked, looked = [], []

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

    hub = TCPServer(("127.0.0.1", 0), Hub)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{hub.server_address[1]}")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def look(path, **options):
        looked.append(options.get("local_files_only", False))
        raise OSError("not here")

    monkeypatch.setattr("transformers.AutoTokenizer.from_pretrained", look)
    if answers:
        Thread(target=hub.serve_forever, daemon=True).start()
    else:
        hub.server_close()
    with pytest.raises(ModelNotFound, match="needs a download"):
        gptviz.load("gpt2")
    if answers:
        hub.shutdown()
        hub.server_close()
    assert (len(asked), looked) == (int(answers), [not answers])


def test_a_folder_without_a_model_is_explained(tmp_path):
    with pytest.raises(ModelNotFound, match=r"no config\.json"):
        gptviz.load(tmp_path)


def test_remote_code_is_refused_unless_asked_for(gpt, tmp_path):
    gpt.model.save_pretrained(tmp_path)
    gpt.tokenizer.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"model_type": "made-up", "auto_map": {"AutoConfig": "c.C", "AutoModelForCausalLM": "m.M"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "c.py").write_text("raise SystemExit('this code must not run')")
    with pytest.raises(ModelNotFound, match="trust_remote_code"):
        gptviz.load(tmp_path)


@pytest.mark.parametrize("bad", [{"device": "gpu"}, {"dtype": "float8"}, {"name": 3}, {"name": ""}])
def test_bad_arguments_are_refused(bad):
    with pytest.raises(GPTVizError, match="Expected"):
        gptviz.load(**{"name": "tales", **bad})


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here, so asking for it is right")
def test_a_missing_device_is_refused():
    with pytest.raises(GPTVizError, match="cuda"):
        gptviz.load(device="cuda")


def test_models_lists_what_is_here():
    table = gptviz.models()
    assert table[0].name == "tales" and "gpt2" in [m.name for m in table] and "licence" in repr(table)


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "bloom", "gpt_neox"])
def test_a_folder_without_a_tokenizer_is_refused(name, tmp_path):
    """transformers makes an empty tokenizer for most families, which reads a text as nothing or as one unknown token."""
    build(name).save_pretrained(tmp_path)
    with pytest.raises(ModelNotFound, match=r"which has no tokenizer\. Save it there"):
        gptviz.load(tmp_path)


@pytest.fixture(scope="module")
def llama_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("llama")
    build("llama").save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "pip install -U bitsandbytes"),
        ({"quant_method": "gptq", "bits": 4}, "pip install optimum"),
        ({"quant_method": "awq", "bits": 4}, "pip install gptqmodel"),
        ({"quant_method": "hqq"}, "hqq"),
    ],
)
def test_a_missing_library_of_a_quantized_model_is_named(llama_folder, settings, part, tmp_path):
    for file in llama_folder.iterdir():
        (tmp_path / file.name).symlink_to(file)
    config = json.loads((tmp_path / "config.json").read_text()) | {"quantization_config": settings}
    (tmp_path / "config.json").unlink()
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelNotFound, match=rf"libraries are installed.*{part}.*Install what it names"):
        gptviz.load(tmp_path)


def test_a_missing_library_that_a_keyword_needs_is_named(llama_folder):
    with pytest.raises(ModelNotFound, match=r"libraries are installed.*FlashAttention2"):
        gptviz.load(llama_folder, attn_implementation="flash_attention_2")


def test_a_model_that_transformers_places_by_itself_is_the_same(llama_folder):
    text = "the owl in the tin"
    placed = gptviz.load(llama_folder, device_map="auto").trace(text)
    if placed.gpt.device.type == "cpu":
        assert np.array_equal(placed.logits, gptviz.load(llama_folder).trace(text).logits)
    assert np.isfinite(placed.attention(0)).all()


def test_a_device_and_a_map_of_devices_are_not_both_taken(llama_folder):
    with pytest.raises(WrongType, match="device_map"):
        gptviz.load(llama_folder, device="cpu", device_map="auto")


@pytest.mark.parametrize("with_config", [False, True])
def test_adapters_alone_are_refused_with_the_way_to_merge_them(gpt, with_config, tmp_path):
    if with_config:
        gpt.model.config.save_pretrained(tmp_path)
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA", "base_model_name_or_path": "somewhere"}')
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(ModelNotFound, match=r"adapters for another one.*merge_and_unload"):
        gptviz.load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "])
def test_a_damaged_file_of_weights_is_explained(content, tmp_path):
    build("gpt2").save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelNotFound, match=r"folder that transformers can load|all the weights"):
        gptviz.load(tmp_path)


@pytest.mark.parametrize("name", ["x" * 300, "/" + "x" * 300, "~nobody" * 50 + "/x", "x/" * 3000])
def test_a_name_that_no_file_can_have_is_explained_in_short(name, monkeypatch):
    monkeypatch.setattr("gptviz.loading._hub_answers", lambda: False)
    with pytest.raises(ModelNotFound, match=r"not on this machine|not a folder here") as caught:
        gptviz.load(name)
    assert len(str(caught.value)) < 500


WRONG_SETTINGS = [
    {"hidden_size": "x"}, {"num_hidden_layers": None}, {"num_attention_heads": 0}, {"layer_types": ["a"]},
    {"rope_parameters": 5}, {"vocab_size": -3},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG_SETTINGS, ids=str)
def test_a_setting_of_a_wrong_kind_is_explained(wrong, llama_folder, tmp_path):
    shutil.copytree(llama_folder, tmp_path, dirs_exist_ok=True)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | wrong))
    with pytest.raises(ModelNotFound, match="folder that transformers can load") as caught:
        gptviz.load(tmp_path)
    assert not isinstance(wrong.get("hidden_size"), str) or "hidden_size" in str(caught.value)

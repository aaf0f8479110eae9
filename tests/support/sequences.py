"""Tiny encoder-decoders with random weights, and what transformers itself computes with untouched copies of them.

Sizes are asymmetric: the encoder has 2 layers, the decoder 3; the source has 7 tokens, the target 5. No model is downloaded.
"""

import zlib
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
import transformers
from families import END, START, VOCAB, randomise, tokenizer

import gptviz

SOURCE = [72, 258, 31, 4, 201, 259, 119]
TARGET = [START, 119, 31, 260, 72]
ENCODER_LAYERS, LAYERS, HEADS, WIDTH = 2, 3, 4, 24

_IDS = {"vocab_size": VOCAB, "pad_token_id": 3, "eos_token_id": END, "decoder_start_token_id": START}
_T5 = _IDS | {"d_model": WIDTH, "d_kv": 5, "d_ff": 56, "num_heads": HEADS, "num_layers": ENCODER_LAYERS,
              "num_decoder_layers": LAYERS, "relative_attention_num_buckets": 8,
              "relative_attention_max_distance": 6}  # fmt: skip
_BART = _IDS | {"bos_token_id": 261, "forced_eos_token_id": None, "d_model": WIDTH, "encoder_layers": ENCODER_LAYERS,
                "decoder_layers": LAYERS, "encoder_attention_heads": 3, "decoder_attention_heads": HEADS,
                "encoder_ffn_dim": 40, "decoder_ffn_dim": 56, "max_position_embeddings": 64}  # fmt: skip

_WHISPER = _BART | {"num_mel_bins": 8, "max_source_positions": 50, "max_target_positions": 64, "suppress_tokens": None,
                    "begin_suppress_tokens": None}  # fmt: skip
RATE = 16_000
SOUND = 0.3 * np.sin(np.arange(6_000) ** 1.3 / 70).astype(np.float32)  # 0.375 s of a second that the model reads


@dataclass(frozen=True)
class Sequence:
    """One architecture: the class and the arguments of its configuration.

    pre_norm: whether each block adds its parts to the stream, without a norm after the sum. encoder_heads: of each layer.
    blocks: where the encoder's and the decoder's are. attention: in a block, the self-attention and the cross attention.
    projection: the output projection in each of them. sound: whether it reads sound.
    """

    config: str
    arguments: dict[str, Any]
    pre_norm: bool = True
    encoder_heads: int = 3
    blocks: tuple[str, str] = ("model.encoder.layers", "model.decoder.layers")
    attention: tuple[str, str] = ("self_attn", "encoder_attn")
    projection: str = "out_proj"
    sound: bool = False


def _t5(config: str = "T5Config", **arguments: Any) -> Sequence:
    attention = ("layer.0.SelfAttention", "layer.1.EncDecAttention")
    return Sequence(config, _T5 | arguments, True, HEADS, ("encoder.block", "decoder.block"), attention, "o")


SEQUENCES = {
    "t5": _t5(),
    "t5_gated": _t5(feed_forward_proj="gated-gelu", tie_word_embeddings=False),
    "mt5": _t5("MT5Config"),
    "bart": Sequence("BartConfig", _BART, pre_norm=False),
    "marian": Sequence("MarianConfig", _BART | {"scale_embedding": True}, pre_norm=False),
    "m2m_100": Sequence("M2M100Config", _BART),
    "pegasus": Sequence("PegasusConfig", _BART),
    "whisper": Sequence("WhisperConfig", _WHISPER, sound=True),
}


def encoder_heads(name: str) -> int:
    """Returns the number of heads of a layer of the encoder."""
    return SEQUENCES[name].encoder_heads


@cache
def model_of(name: str, **options: Any) -> Any:
    """Returns the architecture's model, in evaluation mode and without gradients; made once. options: of `from_config`."""
    config = getattr(transformers, SEQUENCES[name].config)(**SEQUENCES[name].arguments)
    torch.manual_seed(0)
    kind = transformers.AutoModelForSpeechSeq2Seq if SEQUENCES[name].sound else transformers.AutoModelForSeq2SeqLM
    model = kind.from_config(config, **options).eval().requires_grad_(False)
    randomise(model, zlib.crc32(name.encode()))
    bias = getattr(model, "final_logits_bias", None)
    if bias is not None:
        bias.copy_(torch.linspace(-1, 1, bias.shape[-1])[None])
    return model


@cache
def trace_of(name: str) -> Any:
    """Returns the trace of the source with the target."""
    return traced(name, TARGET)


def traced(name: str, target: Any, **options: Any) -> Any:
    """Returns a trace of the source: token ids, or a sound."""
    if SEQUENCES[name].sound:
        return gptviz.wrap(model_of(name), processor()).trace(SOUND, target, sampling_rate=RATE, **options)
    return gptviz.wrap(model_of(name), tokenizer()).trace(SOURCE, target, **options)


def processor() -> SimpleNamespace:
    """Returns what a processor of transformers has: Whisper's feature extractor, for one second of sound, and a tokenizer."""
    extractor = transformers.WhisperFeatureExtractor(feature_size=8, chunk_length=1)
    return SimpleNamespace(feature_extractor=extractor, tokenizer=tokenizer())


def source_of(name: str) -> torch.Tensor:
    """Returns what the encoder reads: token ids (1, S), or the features of the sound (1, bins, frames)."""
    if SEQUENCES[name].sound:
        extractor = processor().feature_extractor
        return extractor(SOUND, sampling_rate=RATE, return_tensors="pt").input_features
    return torch.tensor([SOURCE])


def source_length(name: str) -> int:
    """Returns the number of source tokens, or of frames of the sound."""
    return _WHISPER["max_source_positions"] if SEQUENCES[name].sound else len(SOURCE)


@cache
def truth_of(name: str) -> SimpleNamespace:
    """Returns the logits of the untouched model, the maps of transformers' eager attention, and what hooks saw.

    streams: what entered each block, and what left the last one. cross_out: what each cross attention returned.
    projections: the weight of each output projection, by stack.
    """
    family, model = SEQUENCES[name], model_of(name)
    eager, ids = model_of(name, attn_implementation="eager"), torch.tensor([TARGET])
    source, inputs = source_of(name), {"decoder_input_ids": ids, "use_cache": False}
    blocks = {
        stack: list(model.get_submodule(path))
        for stack, path in zip(("encoder", "decoder"), family.blocks, strict=True)
    }
    own, cross = family.attention
    modules = {stack: [block.get_submodule(own) for block in blocks[stack]] for stack in blocks}
    modules["cross"] = [block.get_submodule(cross) for block in blocks["decoder"]]
    streams: dict[str, list[torch.Tensor]] = {"encoder": [], "decoder": []}
    cross_out: list[torch.Tensor] = []
    handles = [
        module.register_forward_hook(lambda m, a, out: cross_out.append(out[0][0])) for module in modules["cross"]
    ]
    for stack, members in blocks.items():
        handles += [b.register_forward_pre_hook(lambda m, a, s=stack: streams[s].append(a[0][0])) for b in members]
        last = members[-1].register_forward_hook(lambda m, a, out, s=stack: streams[s].append(first_tensor(out)[0]))
        handles.append(last)
    plain = model(source, **inputs)
    for handle in handles:
        handle.remove()
    out = eager(source, **inputs, output_attentions=True)
    maps = {"encoder": out.encoder_attentions, "decoder": out.decoder_attentions, "cross": out.cross_attentions}
    return SimpleNamespace(
        logits=plain.logits[0].numpy(),
        maps={stack: torch.cat(each).numpy() for stack, each in maps.items()},
        streams=streams,
        cross_out=cross_out,
        projections={
            stack: [m.get_submodule(family.projection).weight for m in each] for stack, each in modules.items()
        },
    )


def first_tensor(result: Any) -> torch.Tensor:
    """Returns what a block returns, which some families wrap in a tuple."""
    return result if isinstance(result, torch.Tensor) else result[0]

"""What a model and its tokenizer must be and do to be wrapped. Whatever does not fit is refused in words.

Types are checked first. The rest is found by running the model: whether its forward can be called as gptviz calls it, and
whether it is causal. Names of classes and settings do not count, because they do not say what a model does.
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from gptviz.checks import within_rounding
from gptviz.errors import GPTVizError, NotAvailable, WrongType, fail
from gptviz.model.calling import call_model

# Relative, at least. Kernels of mixtures of experts add in another order where other tokens take other experts.
_LEAST_EPSILON = 1e-6


def check_model(model: Any, tokenizer: Any, encoder_decoder: bool = False) -> None:
    """Raises GPTVizError unless these are a language model of transformers, in memory, and its tokenizer.

    encoder_decoder: whether it must be an encoder-decoder, and not a decoder-only model.
    """
    if (path := _path_inside(model)) != "model":
        raise _not_a_model(model, path)
    if not _has_tables(model):
        raise _not_a_model(model, "")
    if model.config.is_encoder_decoder and not encoder_decoder:
        got = f"{type(model).__name__}, an encoder-decoder"
        raise fail("a decoder-only model", got, "Wrap a causal language model.", WrongType)
    check_in_memory(model)
    check_tokenizer(tokenizer)


def check_tokenizer(tokenizer: Any) -> None:
    """Raises GPTVizError unless this is a tokenizer of transformers that can read ordinary text."""
    if not isinstance(tokenizer, PreTrainedTokenizerBase):
        raise fail(
            "the model's transformers tokenizer",
            f"{type(tokenizer).__name__}",
            "Load it with AutoTokenizer.from_pretrained from the model's own folder or name.",
            WrongType,
        )
    if not has_vocabulary(tokenizer):
        raise fail(
            "a tokenizer with the tokens of ordinary text",
            f"a {type(tokenizer).__name__} that has special tokens at most",
            "Its files are missing: load it from a folder that tokenizer.save_pretrained(folder) wrote.",
        )


def check_in_memory(model: nn.Module) -> None:
    """Raises GPTVizError if some weights were offloaded: they have no numbers between the passes."""
    offloaded = [name for name, parameter in model.named_parameters() if parameter.is_meta]
    if offloaded:
        raise fail(
            "a model whose weights are all in memory",
            f"{type(model).__name__}, with {len(offloaded)} weights that are kept elsewhere, such as {offloaded[0]}",
            'Load it without offloading. If memory is short, a smaller dtype helps, such as dtype="bfloat16".',
        )


def _path_inside(model: Any) -> str:
    """Returns the code that takes the transformers model out of what wraps it: "model", "model.module" and so on, or ""."""
    path = "model"
    while not isinstance(model, PreTrainedModel):
        inner, base_model = getattr(model, "module", None), getattr(model, "get_base_model", None)
        if isinstance(getattr(model, "_orig_mod", None), nn.Module):  # torch.compile
            model, path = model._orig_mod, f"{path}._orig_mod"
        elif callable(base_model):  # the adapters of peft
            model, path = base_model(), f"{path}.get_base_model()"
        elif isinstance(inner, nn.Module):  # several devices
            model, path = inner, f"{path}.module"
        else:
            return ""
    return path


def _not_a_model(model: Any, path: str) -> GPTVizError:
    remedy = "Load it with AutoModelForCausalLM.from_pretrained, or by name with gptviz.load."
    if path:
        remedy = f"Give the model that is inside: gptviz.wrap({path}, tokenizer)."
    if "get_base_model" in path:
        before = path.partition(".get_base_model()")[0]
        remedy += f" To merge its adapters into the weights instead, give {before}.merge_and_unload()."
    return fail("a transformers causal language model", type(model).__name__, remedy, WrongType)


def _has_tables(model: Any) -> bool:
    """Returns whether the model turns ids into vectors by a table, and vectors into logits by a head."""
    try:
        table, head = model.get_input_embeddings(), model.get_output_embeddings()
    except (AttributeError, NotImplementedError):  # a family without such a method, or without what it returns
        return False
    return isinstance(getattr(table, "weight", None), Tensor) and head is not None


def has_vocabulary(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Returns whether a tokenizer has more than special and added tokens. Without its files transformers makes such a one."""
    added = {*tokenizer.get_added_vocab(), *tokenizer.all_special_tokens}
    return any(piece.strip("\u2581") for piece in tokenizer.get_vocab() if piece not in added)


def check_forward(model: nn.Module, ids: Tensor, source: Tensor | None = None) -> None:
    """Runs the model on `ids`, (1, 4), and raises GPTVizError unless its forward gives logits, and is causal.

    The third and the last of the ids are different tokens. source: see `call_model`. The caller holds the model's lock.
    """
    logits = _logits_of(model, ids, source)
    other_ids = ids.clone()
    other_ids[0, -1] = ids[0, 2]
    moved = _difference(_logits_of(model, other_ids, source)[:, :-1], logits[:, :-1])
    if moved and (random := _difference(_logits_of(model, ids, source), logits)):
        got = f"{type(model).__name__}, whose logits differ by {random:.3g}"
        remedy = "Take away what makes them random, such as noise that a hook adds."
        raise fail("a model that gives one text the same logits each time", got, remedy)
    if moved:
        raise fail(
            "a causal language model, whose logits depend on earlier tokens alone",
            f"{type(model).__name__}, which is not causal: another last token moves an earlier logit by {moved:.3g}",
            "Load a decoder (is_decoder=True in the config of a BERT-like model, is_causal=True in others), without masks or "
            "quantization that depend on the whole text.",
            NotAvailable,
        )


def _difference(a: Tensor, b: Tensor) -> float:
    """Returns how far two tensors of logits are apart, and 0 if that is rounding. NaN and infinity do not count."""
    epsilon = max(torch.finfo(b.dtype).eps, _LEAST_EPSILON)
    a, b = (x.float().nan_to_num(0.0, 0.0, 0.0) for x in (a, b))
    return 0.0 if within_rounding(a, b, epsilon) else float((a - b).abs().max())


def _logits_of(model: nn.Module, ids: Tensor, source: Tensor | None) -> Tensor:
    logits: Tensor = checked_forward(model, ids, source).logits
    return logits


def checked_forward(model: nn.Module, ids: Tensor, source: Tensor | None = None, **keywords: Any) -> Any:
    """Returns what `call_model` returns. Raises GPTVizError if the model cannot be called so, or gives no logits."""
    name = type(model).__name__
    try:
        result = call_model(model, ids, source, **keywords)
    except Exception as error:
        reason = str(error).partition("\n")[0][:200]
        remedy = (
            "A forward takes token ids (1, T) and the keyword use_cache; its attention calls transformers' "
            "AttentionInterface, or it takes output_attentions too."
        )
        got = f"{name}, which raises {type(error).__name__}: {reason}"
        inputs = "ids" if source is None else "source, decoder_input_ids=ids"
        raise fail(f"a model that can be called as model({inputs}{_written(keywords)})", got, remedy) from error
    logits = getattr(result, "logits", None)
    if not isinstance(logits, Tensor) or logits.shape[:-1] != ids.shape:
        shape = f" with logits of shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else ""
        got = f"{name}, which returns a {type(result).__name__}{shape} for {ids.shape[1]} tokens"
        remedy = "A forward returns a ModelOutput of transformers, such as CausalLMOutput(logits=logits)."
        raise fail("an output with .logits of shape (1, T, vocab)", got, remedy)
    return result


def _written(keywords: dict[str, Any]) -> str:
    return "".join(f", {name}={value}" for name, value in {"use_cache": False, **keywords}.items())

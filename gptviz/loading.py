"""Loads models: those that ship with gptviz, one from a local folder, or one from the Hugging Face hub.

Weights are read from safetensors only, and code from a model's repository is never run, unless the caller asks for it
explicitly. (The module is not called `models`, because `gptviz.models` is a function.)

Imports inside functions are of heavy libraries (torch, transformers, gptviz.gpt), so that `gptviz.models` needs none, and
of libraries that only some calls need (huggingface_hub, safetensors), so that importing this module is quick.
"""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptviz._paths import assets_dir
from gptviz.checks import did_you_mean
from gptviz.errors import GPTVizError, ModelNotFound, WrongType, fail
from gptviz.files import shortened

if TYPE_CHECKING:
    import torch

    from gptviz.gpt import GPT

EMBEDDED = "tales"
_TOKENIZER_FILES = ("tokenizer*", "vocab*", "merges*", "*.model", "*.tiktoken", "tekken.json")
CHOSEN = "GPTVIZ_MODEL"  # the environment variable that names the model that `load()` loads


@dataclass(frozen=True)
class ModelInfo:
    """A model that `load` knows by a short name.

    source: its name on the hub. download: megabytes to fetch. here: whether it can be loaded offline. decoder_only: whether
    `load` returns a GPT, and not an `EncoderDecoder`.
    """

    name: str
    source: str
    parameters: str
    download: int
    licence: str
    here: bool = False
    decoder_only: bool = True


_SHIPPED = (
    ModelInfo(EMBEDDED, "ships with gptviz", "5.9 M", 0, "MIT"),
    ModelInfo("translator", "ships with gptviz", "0.7 M", 0, "MIT", decoder_only=False),
)
_KNOWN = (
    ModelInfo("gpt2", "openai-community/gpt2", "124 M", 548, "MIT"),
    ModelInfo("gpt2-medium", "openai-community/gpt2-medium", "355 M", 1520, "MIT"),
    ModelInfo("distilgpt2", "distilbert/distilgpt2", "82 M", 353, "Apache-2.0"),
    ModelInfo("pythia-70m", "EleutherAI/pythia-70m", "70 M", 166, "Apache-2.0"),
    ModelInfo("pythia-160m", "EleutherAI/pythia-160m", "162 M", 375, "Apache-2.0"),
    ModelInfo("smollm2-135m", "HuggingFaceTB/SmolLM2-135M", "135 M", 269, "Apache-2.0"),
    ModelInfo("qwen3-0.6b", "Qwen/Qwen3-0.6B", "0.6 B", 1500, "Apache-2.0"),
)


class ModelTable(tuple[ModelInfo, ...]):
    """A tuple of models that prints as a table."""

    def _rows(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = [("name", "parameters", "licence", "where", "source")]
        for model in self:
            where = "here" if model.here else f"download, {model.download} MB"
            rows.append((model.name, model.parameters, model.licence, where, model.source))
        return rows

    def __repr__(self) -> str:
        rows = self._rows()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)


def models() -> ModelTable:
    """Returns the models that `load` knows by a short name, and whether each is here or needs a download.

    `load` takes any other hub name or folder too.
    """
    shipped = [replace(model, here=(assets_dir() / model.name / "model.safetensors").is_file()) for model in _SHIPPED]
    return ModelTable([*shipped, *(replace(model, here=_is_cached(model.source)) for model in _KNOWN)])


def _is_cached(source: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return all(isinstance(try_to_load_from_cache(source, file), str) for file in ("config.json", "model.safetensors"))


def _hub_answers() -> bool:
    """Returns whether the hub can be reached."""
    from huggingface_hub import constants, get_session

    try:
        get_session().head(constants.ENDPOINT, timeout=5)
    except Exception:  # the kind depends on the HTTP client of the hub's library, and on whether it was set offline
        return False
    return True


def wrap(model: Any, tokenizer: Any) -> "GPT":
    """Returns a GPT made of a transformers causal language model that you already hold and its tokenizer.

    Of an encoder-decoder, such as T5 or BART, it returns an `EncoderDecoder`, which traces a source with a target. One that
    reads sound, such as Whisper, needs its processor in place of the tokenizer.
    """
    return _wrapped(model, tokenizer)


def _wrapped(model: Any, tokenizer: Any, name: str | None = None) -> "GPT":
    from gptviz.encoder_decoder import EncoderDecoder
    from gptviz.gpt import GPT

    is_sequence = getattr(getattr(model, "config", None), "is_encoder_decoder", False)
    return (EncoderDecoder if is_sequence else GPT)(model, tokenizer, name)


def load(
    name: str | os.PathLike[str] | None = None,
    *,
    device: "str | torch.device | None" = None,
    dtype: "str | torch.dtype" = "float32",
    **kwargs: Any,
) -> "GPT":
    """Loads a model by short name (see `models`), local folder, or hub name.

    name: None for the model that the environment variable GPTVIZ_MODEL names, or else the embedded one. device: "cpu"
    (the default), "cuda", "cuda:1", "mps", or "auto" for the best one here. dtype: "float32" (the default, exact),
    "bfloat16", "float16", or "auto" for the file's own. Other keywords, such as `revision`, are passed to
    `from_pretrained`; `trust_remote_code=True` and `use_safetensors=False` warn of their risks.

    Raises ModelNotFound if there is no such model here and it cannot be fetched, or a library that it needs is missing, and
    WrongType for unusable arguments. With a `device_map`, the model stays where that places it.
    """
    if name is None:
        name = os.environ.get(CHOSEN) or EMBEDDED
    if not isinstance(name, (str, os.PathLike)) or not str(name):
        raise fail("a model's name or folder", f"{name!r}", "gptviz.models() lists short names.", WrongType)
    source = _source(name)
    short = Path(source).resolve().name if os.path.isdir(source) else str(name)
    target, torch_dtype = _device(device), _dtype(dtype)
    has_device_map = kwargs.get("device_map") is not None
    if has_device_map and device is not None:
        raise fail("a device or a device_map", "both", "Leave one of them out.", WrongType)
    _warn_of_risks(kwargs)
    options = {"trust_remote_code": False, **kwargs}
    if not os.path.isdir(source) and not _hub_answers():
        options["local_files_only"] = True  # else every file is requested several times, which takes most of a minute
    model_options = {"use_safetensors": True, **options, "dtype": torch_dtype, "output_loading_info": True}
    from transformers import AutoProcessor, AutoTokenizer

    from gptviz.model.requirements import check_in_memory, has_vocabulary

    tokenizer_keys = ("trust_remote_code", "revision", "token", "cache_dir", "local_files_only", "subfolder")
    tokenizer_options = {key: value for key, value in options.items() if key in tokenizer_keys}
    with without_progress_bar(), _explaining_errors(source, short):
        tokenizer = AutoTokenizer.from_pretrained(source, **tokenizer_options)
        if not has_vocabulary(tokenizer):
            raise _without_tokenizer(short)
        kind, reads_sound = _model_class(source, tokenizer_options)
        if reads_sound:
            tokenizer = AutoProcessor.from_pretrained(source, **tokenizer_options)
        loaded: Any = kind.from_pretrained(source, **model_options)
    model, loading_info = loaded
    if missing := sorted(loading_info["missing_keys"]):
        got = f"{short}, which lacks {len(missing)} of them, such as {missing[0]}"
        remedy = "transformers would fill them with random numbers; save or fetch the model again."
        raise fail("a file with all the weights that the model has", got, remedy, ModelNotFound)
    check_in_memory(model)
    return _wrapped((model if has_device_map else model.to(target)).eval(), tokenizer, short)


def _model_class(source: str, options: dict[str, Any]) -> tuple[Any, bool]:
    """Returns the class of transformers that loads the model of a folder or name, and whether the model reads sound."""
    import transformers

    config = transformers.AutoConfig.from_pretrained(source, **options)
    if not config.is_encoder_decoder:
        return transformers.AutoModelForCausalLM, False
    reads_sound = type(config) in transformers.MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING
    kind = transformers.AutoModelForSpeechSeq2Seq if reads_sound else transformers.AutoModelForSeq2SeqLM
    return kind, reads_sound


def _source(name: str | os.PathLike[str]) -> str:
    """Returns the folder or the hub name that `name` stands for."""
    text = os.fspath(name)
    if text in (model.name for model in _SHIPPED):
        return str(assets_dir() / text)
    if known := next((model.source for model in _KNOWN if model.name == text), None):
        return known
    folder = os.path.expanduser(text)
    if os.path.isdir(folder):  # Path.is_dir raises an error for a name that is too long
        return _checked_folder(Path(folder))
    if isinstance(name, os.PathLike) or text.startswith((".", "/", "~")) or text.count("/") > 1 or "\\" in text:
        got = f"{shortened(text)}, which is not a folder here"
        raise fail("a folder with a model", got, "Check the path.", ModelNotFound)
    return text


def _checked_folder(folder: Path) -> str:
    """Returns the folder's path; raises ModelNotFound if it holds no model, or adapters alone."""
    if (folder / "adapter_config.json").is_file():
        raise fail(
            "a folder with a whole model",
            f"{folder}, which holds adapters for another one (adapter_config.json)",
            "Load the base model with its adapters, merge them, and wrap the result: "
            "gptviz.wrap(peft.AutoPeftModelForCausalLM.from_pretrained(folder).merge_and_unload(), tokenizer).",
            ModelNotFound,
        )
    if not (folder / "config.json").is_file():
        raise fail(
            "a folder with config.json, model.safetensors and a tokenizer",
            f"{folder}, which has no config.json",
            "Save one with model.save_pretrained(folder) and tokenizer.save_pretrained(folder).",
            ModelNotFound,
        )
    return str(folder)


def _device(device: Any) -> "torch.device":
    import torch

    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if device == "auto":
        device = "cuda" if cuda else "mps" if mps else "cpu"
    try:
        result = torch.device("cpu" if device is None else device)
    except (RuntimeError, TypeError) as error:
        raise fail('"cpu", "cuda", "mps" or "auto"', f"{device!r}", "Name one of these devices.", WrongType) from error
    if not {"cpu": True, "cuda": cuda, "mps": mps}.get(result.type, False):
        raise fail(
            "a device that PyTorch finds here",
            f"{str(result)!r}",
            "Leave device out for the CPU; `gptviz doctor` lists what PyTorch finds.",
        )
    return result


def _dtype(dtype: Any) -> Any:
    import torch

    names = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16, "auto": "auto"}
    if isinstance(dtype, torch.dtype) and dtype in names.values():
        return dtype
    if not isinstance(dtype, str) or dtype not in names:
        raise fail(f"one of the dtypes {', '.join(names)}", f"{dtype!r}", "float32 is exact.", WrongType)
    return names[dtype]


def _warn_of_risks(kwargs: dict[str, Any]) -> None:
    if kwargs.get("trust_remote_code"):
        warnings.warn("trust_remote_code=True runs code from the model's repository on this machine.", stacklevel=3)
    if not kwargs.get("use_safetensors", True):
        warnings.warn(
            f"use_safetensors={kwargs['use_safetensors']} opens pickled weights, which can run code on this machine.",
            stacklevel=3,
        )


@contextmanager
def without_progress_bar() -> Iterator[None]:
    """Turns off the progress bar of transformers, which appears even when weights load at once."""
    from transformers.utils import logging

    was_enabled = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_enabled:
            logging.enable_progress_bar()


@contextmanager
def _explaining_errors(source: str, name: str) -> Iterator[None]:
    """Turns errors of transformers and the hub into a GPTVizError that says what was expected and what to do."""
    try:
        yield
    except GPTVizError:
        raise
    except ImportError as error:
        raise _missing_library(name, error) from error
    except Exception as error:  # settings of a wrong kind in a file end in errors of many kinds
        if not isinstance(error, TypeError) or "unexpected keyword argument" not in str(error):
            raise _explanation(source, name, error) from error
        keyword = str(error).rpartition("argument ")[2]
        remedy = "Leave it out. gptviz takes device and dtype; all others go to transformers."
        raise fail("keywords that from_pretrained takes", keyword, remedy, WrongType) from error


def _missing_library(name: str, error: Exception) -> GPTVizError:
    got = f"{name}: {' '.join(str(error).split())[:300].rstrip('.')}"
    remedy = "Install what it names, or load the model without the keyword or the quantization that needs it."
    return fail("a model whose libraries are installed", got, remedy, ModelNotFound)


def _without_tokenizer(name: str) -> GPTVizError:
    remedy = "Save it there with tokenizer.save_pretrained(folder)."
    return fail("a folder with the model's tokenizer", f"{name}, which has no tokenizer", remedy, ModelNotFound)


def _explanation(source: str, name: str, error: Exception) -> GPTVizError:
    folder, is_folder = Path(source), os.path.isdir(source)
    here = ", ".join(model.name for model in models() if model.here)
    if "pip install" in str(error):
        return _missing_library(name, error)
    if is_folder and not any(path for pattern in _TOKENIZER_FILES for path in folder.glob(pattern)):
        return _without_tokenizer(name)
    if "trust_remote_code" in str(error):
        return fail(
            "a model that transformers has the code for",
            f"{name}, which brings its own code to run",
            "If you trust its authors, write trust_remote_code=True.",
            ModelNotFound,
        )
    if is_folder and not list(folder.glob("*.safetensors")):
        pickled = sorted(path.name for path in folder.glob("*.bin"))
        got = f"{name}, which has {'pickled weights (' + pickled[0] + ')' if pickled else 'no weights'}"
        remedy = (
            "Pickled weights can run code when opened. Convert them: model.save_pretrained(folder) writes safetensors."
        )
        return fail("weights in model.safetensors", got, remedy, ModelNotFound)
    if is_folder or not isinstance(error, (OSError, ValueError)):
        return fail(
            f"a {'folder' if is_folder else 'model'} that transformers can load with these keywords",
            f"{name}: {_beginning(error)}",
            "Leave out keywords, or save the model and its tokenizer again.",
            ModelNotFound,
        )
    if "safetensors" in str(error) and "does not appear to have" in str(error):
        return fail(
            "weights in model.safetensors",
            f"{name}, which has none (pickled weights are not opened: they can run code)",
            "Choose a revision or a model with safetensors.",
            ModelNotFound,
        )
    if source != name:
        return fail(
            "a model on this machine, or a connection to fetch it",
            f"{name!r}, which needs a download, while the hub cannot be reached",
            f"On this machine: {here}. Connect once to fetch it; afterwards it works offline.",
            ModelNotFound,
            code="needs_download",
            name=name,
            here=here,
        )
    hint = did_you_mean(name, [model.name for model in models()], otherwise="")
    return fail(
        "a short name, a local folder, or a model of the Hugging Face hub",
        f"{shortened(name)!r}, which is not on this machine and was not found on the hub, or the hub cannot be reached",
        f"On this machine: {here}. {hint}".rstrip(),
        ModelNotFound,
        code="not_found",
        name=shortened(name),
        here=here,
    )


def _beginning(error: Exception) -> str:
    """Returns the beginning of an error's text; its first line may end in a colon."""
    return " ".join((str(error) or type(error).__name__).split())[:200].rstrip(".")

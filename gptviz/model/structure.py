"""Notices that a model is not the one that was studied: modules replaced or added, weights resized, settings changed.

What was learnt about a model holds as long as it consists of the same modules with the same shapes and settings; the
numbers in its weights may change. This is compared before each pass, so comparing costs microseconds: Python's own
comparison of dictionaries finds equal objects by their identity.
"""

import copy
import operator
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedConfig

from gptviz.errors import GPTVizError, ModelChanged, fail
from gptviz.model.capture import modules_of
from gptviz.model.looking import looked_at

# Settings that do not change what the model computes from given ids. Saving a model sets some of them.
_WITHOUT_EFFECT = {
    "use_cache", "return_dict", "problem_type", "id2label", "label2id", "architectures", "dtype", "transformers_version",
}  # fmt: skip
_CONFIG_OF = operator.itemgetter("config")
_OVERRIDES = "forward", "is_causal"  # attributes of a module that say what it computes


class Structure:
    """The modules of a model, the shapes of their weights, and its settings, as they were when this was made."""

    def __init__(self, model: nn.Module):
        modules = modules_of(model)
        self._children = [module._modules for module in modules]
        self._children_then = [dict(children) for children in self._children]
        self._lists = [module._modules for module in modules if isinstance(module, nn.ModuleList)]
        self._lists_then = [dict(children) for children in self._lists]
        self._attributes = [vars(module) for module in modules]
        self._overrides_then = self._overrides()
        self._weights = [module._parameters for module in modules if module._parameters.get("weight") is not None]
        self._shapes_then = self._shapes()
        self._configured = [vars(m) for m in modules if isinstance(vars(m).get("config"), PreTrainedConfig)]
        self._configs_then = [attributes["config"] for attributes in self._configured]
        configs = {id(config): config for config in self._configs_then}.values()
        self._settings_then = [(vars(config), _copy(config)) for config in configs]
        tables = model.get_input_embeddings(), model.get_output_embeddings()  # type: ignore[operator]
        self._vocabulary_modules = [
            (children, name) for children in self._children for name, child in children.items() if child in tables
        ]  # looked up here, since transformers takes ten times as long to find them
        self._vocabulary_then = self._vocabulary()

    def check(self) -> None:
        """Raises ModelChanged if the model consists of other modules, shapes or settings now."""
        looked_at(Structure._check, self)

    def _check(self) -> None:
        if self._children != self._children_then:
            raise _changed("modules that were replaced, added or taken away since")
        if self._shapes() != self._shapes_then:
            raise _changed("weights that are gone or have another shape")
        self._check_settings()

    def check_for_generation(self) -> None:
        """Raises ModelChanged if the model has other blocks or settings now, by which its cache is made.

        Other modules may have been replaced: generation reads nothing but the logits.
        """
        if self._lists != self._lists_then:
            raise _changed("blocks that were replaced, added or taken away since")
        self._check_settings()

    def check_vocabulary(self) -> None:
        """Raises ModelChanged if the model has a token table or an output head of another size now."""
        if self._vocabulary() != self._vocabulary_then:
            raise _changed("a vocabulary of another size")

    def _check_settings(self) -> None:
        if self._overrides() != self._overrides_then:
            raise _changed(f"another {' or '.join(_OVERRIDES)} in one of its modules")
        if not all(map(operator.is_, map(_CONFIG_OF, self._configured), self._configs_then)):
            raise _changed("another config")
        for now, then in self._settings_then:
            if now != then and (names := _different(now, then)):
                raise _changed(f"another {', '.join(names)} in its config")

    def _overrides(self) -> list[Any]:
        return [attributes.get(name) for name in _OVERRIDES for attributes in self._attributes]

    def _shapes(self) -> list[torch.Size | None]:
        weights = [parameters.get("weight") for parameters in self._weights]
        return [None if weight is None else weight.shape for weight in weights]

    def _vocabulary(self) -> list[Any]:
        tables = [children.get(name) for children, name in self._vocabulary_modules]
        return [getattr(getattr(table, "weight", None), "shape", None) for table in tables]


def _copy(config: PreTrainedConfig) -> dict[str, Any]:
    """Returns a copy of a config's settings. The configs of its parts stay themselves: not every config can be compared."""
    return {
        name: value if isinstance(value, PreTrainedConfig) else copy.deepcopy(value)
        for name, value in vars(config).items()
    }


def _different(now: dict[str, Any], then: dict[str, Any]) -> list[str]:
    """Returns the names of the settings with an effect that are not what they were."""
    missing = object()
    return sorted(
        name
        for name in now.keys() | then.keys()
        if _has_effect(name, then.get(name, now.get(name))) and now.get(name, missing) != then.get(name, missing)
    )


def _has_effect(name: str, value: Any) -> bool:
    """Returns whether the model may read a setting; objects are left out, since their copies need not equal them."""
    unused = name in _WITHOUT_EFFECT or name.startswith(("_", "output_")) or name.endswith("_token_id")
    return not unused and (value is None or isinstance(value, (bool, int, float, str, list, tuple, dict)))


def _changed(got: str) -> GPTVizError:
    return fail("the model as it was when it was wrapped", got, "The model has changed: wrap it again.", ModelChanged)

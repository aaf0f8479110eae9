"""Everything about a model that a pass must leave as it was."""

import copy
import threading

import torch

from gptviz.model.capture import lock_of


def state(model):
    """Returns everything about a model that a pass must not change."""
    configs = {id(m.config): m.config for m in model.modules() if hasattr(m, "config")}
    return {
        "configs": [copy.deepcopy(vars(config)) for config in configs.values()],
        "implementations": [config._attn_implementation for config in configs.values()],
        "training": [m.training for m in model.modules()],
        "hooks": [
            [len(getattr(m, kind)) for kind in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")]
            for m in model.modules()
        ],
        "classes": [type(m) for m in model.modules()],
        "own names": [sorted(vars(m)) for m in model.modules()],
        "buffers": {key: value.clone() for key, value in model.named_buffers()},
        "versions": [(p._version, p.data_ptr(), p.requires_grad, p.grad is None) for p in model.parameters()],
        "generation": str(model.generation_config),
        "global hooks": len(torch.nn.modules.module._global_forward_hooks),
        "grad": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "threads": torch.get_num_threads(),
        "locked": _is_locked(lock_of(model)),
    }


def assert_same(before, after):
    """Checks that two results of `state` are equal."""
    for what, value in before.items():
        if what == "buffers":
            assert value.keys() == after[what].keys()
            assert all(torch.equal(value[key], after[what][key]) for key in value), what
        else:
            assert value == after[what], what


def mixed_mode(model):
    """Puts every second module into training mode and turns gradients on: a state that nothing restores by accident."""
    for i, module in enumerate(model.modules()):
        module.training = i % 2 == 0
    return model.requires_grad_(True)


def _is_locked(lock):
    """Returns whether a lock is held, as another thread sees it: a thread can take its own lock again."""
    taken = []

    def take():
        taken.append(lock.acquire(blocking=False))
        if taken[0]:
            lock.release()

    other = threading.Thread(target=take)
    other.start()
    other.join()
    return not taken[0]

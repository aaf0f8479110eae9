"""Runs one forward pass and holds what cannot be computed again cheaply.

Held, as references to the pass's own tensors: what each attention call was given; the stream that enters each block; what
attention adds to it; what enters each MLP; the logits. The rest is computed from these when somebody asks: see
`attention_of_pass.py` and `forward.py`.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from torch import Tensor, nn

from gptviz.errors import ModelChanged, NotAvailable, fail
from gptviz.intervention.edits import Edit
from gptviz.model.anatomy import Anatomy, Layer, Part, check_one_stream, no_attention
from gptviz.model.autocast import autocast_now, set_autocast
from gptviz.model.capture import (
    EditOutput,
    Hook,
    Recorder,
    add_hooks,
    attention_names,
    modules_of,
    prepare,
    record,
    recording,
    register,
)
from gptviz.model.changes import Block
from gptviz.model.confirming import Confirmations, agree, has_global_hooks, settings_of
from gptviz.model.editing import Editing, module_at
from gptviz.model.weights import weight_versions


class RecordedPass:
    """One pass over one text, and what it left. Tensors are on the model's device and in its dtype.

    calls: what each attention module that called its function once was given, by the module's id (interface route). maps:
    attention maps by layer (eager route). logits: (T, vocab). position_inputs: what the position table was called with.
    confirmations: the checks of what is computed from this pass. beside: the other stacks of the same run, which this one
    records too; see `sequence_pass.py`.
    """

    beside: "tuple[RecordedPass, ...]" = ()

    def __init__(self, model: nn.Module, anatomy: Anatomy, ids: Tensor, editing: Editing | None = None):
        """Runs `ids`, (1, T), through the model once, with the edits that were prepared for it."""
        self._describe(model, anatomy, ids, editing)
        with (block := Block(self._begin)), block as recorder:
            result = self._run()
            self._versions = weight_versions(model)
        self.logits: Tensor = result.logits[0]
        counts = Counter(id(call.module) for call in recorder.calls)
        self.calls = {id(call.module): call for call in recorder.calls if counts[id(call.module)] == 1}
        self.maps = self._by_layer(result.attentions) if self.route == "eager" else {}
        for stack in self.beside:
            stack.calls, stack.maps, stack._versions = self.calls, {}, self._versions

    def _describe(self, model: nn.Module, anatomy: Anatomy, ids: Tensor, editing: Editing | None = None) -> None:
        """Sets what is known before the pass."""
        self.model, self.anatomy, self.ids = model, anatomy, ids
        self.n_layers, self.n_heads = len(anatomy.layers), anatomy.n_heads
        self.d_model, self.d_head = anatomy.d_model, anatomy.d_head
        self.route = anatomy.route
        self.editing = editing or Editing(model, anatomy, (), ids.shape[1])
        self.position_inputs: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})
        self._held: dict[tuple[str, int], Tensor] = {}
        self._autocast = autocast_now(ids.device.type)
        self.confirmations = Confirmations()
        self._hooked_by_others: frozenset[nn.Module] = frozenset()
        self._before_attention: list[list[Any]] = []

    def _run(self) -> Any:
        eager = {"output_attentions": True} if self.route == "eager" else {}
        return self.model(self.ids, use_cache=False, **eager)

    def _by_layer(self, maps: Sequence[Tensor | None]) -> dict[int, Tensor]:
        """Returns the maps that the model returned by their layers; none if they are not one for each that attended."""
        returned = [map for map in maps if map is not None]
        layers = [i for i, layer in enumerate(self.anatomy.layers) if layer.attention and ("residual", i) in self._held]
        return dict(zip(layers, returned, strict=True)) if len(layers) == len(returned) else {}

    def _begin(self, block: Block[Any]) -> Recorder:
        """Prepares the model for this pass, until the block ends."""
        prepare(block, self.model)
        self.anatomy.structure.check()
        stacks = (self, *self.beside)
        hooked = frozenset(m for m in modules_of(self.model) if m._forward_hooks or m._forward_pre_hooks)
        for stack in stacks:
            stack._hooked_by_others = hooked
            stack._before_attention = [stack._settings_before_attention(layer) for layer in range(stack.n_layers)]
        # Sites are held after the edits of all stacks: what one adds may be another's second attention.
        add_hooks(block, [hook for stack in stacks for hook in stack._sites_before_edits()])
        add_hooks(block, _edit_hooks(self))
        for stack in stacks:
            add_hooks(block, stack._sites())
            stack._hold_position_inputs(block)
        outputs_of = {module for stack in stacks for module in stack._silent_attention()}
        return record(block, self.model, self.route, edits=_edited_heads(self), outputs_of=outputs_of)

    def recording(self) -> AbstractContextManager[Recorder]:
        """Records the attention calls of passes inside the block, with this pass's edits of heads."""
        return recording(self.model, self.route, edits=_edited_heads(self))

    def _silent_attention(self) -> set[nn.Module]:
        """Returns the attention modules whose heads' outputs are kept, since nothing else that is held tells them."""
        layers = enumerate(self.anatomy.layers)
        return {layer.attention for i, layer in layers if layer.attention and not self._projection_tells(i)}

    def _projection_tells(self, layer: int) -> bool:
        """Returns whether what is held as attention's output is what the output projection made of its heads' outputs."""
        sites = self.anatomy.layers[layer]
        part = sites.attention_part
        if part is None or sites.attention is None or sites.gated or not sites.ends_in_projection:
            return False
        changed = self.editing.touches("attn_out", layer) or self._is_hooked((sites.attention, *part.chain[:1]))
        return not changed

    def _may_enter_otherwise(self, layer: Layer) -> bool:
        """Returns whether something of the user's own decides what enters attention: it may do something else next time."""
        before = layer.before_attention or ()
        own = any(
            "forward" in vars(module) or not type(module).__module__.startswith(("torch.", "transformers."))
            for norm in before
            for module in modules_of(norm)
        )
        return own or has_global_hooks() or self._is_hooked((layer.attention, *before))  # type: ignore[arg-type]

    def _is_hooked(self, modules: Iterable[nn.Module]) -> bool:
        """Returns whether one of the modules, or a module inside, had a hook before this pass."""
        return bool(self._hooked_by_others) and any(
            inner in self._hooked_by_others for module in modules for inner in modules_of(module)
        )

    def _sites_before_edits(self) -> list[Hook]:
        """Returns the hooks that hold the stream where edits will change it."""
        edited = [depth for depth in range(self.n_layers + 1) if self.editing.touches("residual", depth)]
        return [
            _holding(self, "residual_before_edits", depth, *module_at(self.anatomy, "residual", depth))
            for depth in edited
        ]

    def _sites(self) -> list[Hook]:
        """Returns the hooks that hold what passes each site after the edits."""
        hooks: list[Hook] = []

        def hold(*site: Any) -> None:
            hooks.append(_holding(self, *site))

        for i, layer in enumerate(self.anatomy.layers):
            hold("residual", i, layer.block, "in")
            if layer.attention_part is not None:
                hold("attention_out", i, layer.attention_part.chain[-1], "out")
                if len(layer.attention_part.chain) > 1:
                    hold("attention_before_norm", i, layer.attention_part.chain[0], "out")
            if layer.other_part is not None:
                hold("other_out", i, layer.other_part.chain[-1], "out")
            if layer.attention is not None and self._may_enter_otherwise(layer):
                hold("attention_in", i, layer.attention, "in")
            if layer.gated and layer.out_projection is not None:
                hold("gated_heads", i, layer.out_projection, "in")
            if layer.mlp_part is not None:
                hold("mlp_in", i, layer.mlp_part.chain[0], "in")
                if self._is_hooked(layer.mlp_part.chain):  # a hook may do something else the next time
                    hold("mlp_out", i, layer.mlp_part.chain[-1], "out")
        hold("residual", self.n_layers, self.anatomy.layers[-1].block, "out")
        if self.anatomy.tail is not None:
            hold("tail_in", self.n_layers, self.anatomy.tail.chain[0], "in")
        return hooks

    def _settings_before_attention(self, layer: int) -> list[Any]:
        return [settings_of(module) for module in self.anatomy.layers[layer].before_attention or ()]

    def enters_attention_as_then(self, layer: int) -> bool:
        """Returns whether what lies before attention has the settings, buffers and hooks that it had in this pass."""
        now = self._settings_before_attention(layer)
        return None not in now and now == self._before_attention[layer]

    def _hold_position_inputs(self, block: Block[Any]) -> None:
        """Holds what the position table is called with. Its output is not held: it is cheap to compute again."""
        thread = threading.get_ident()

        def hold(_module: nn.Module, args: Any, kwargs: Any) -> None:
            if threading.get_ident() == thread:
                self.position_inputs = (args, kwargs)

        if self.anatomy.position_embedding is not None:
            register(block, self.anatomy.position_embedding, "in", hold)

    def guarding_weights(self) -> AbstractContextManager[None]:
        """Takes the model's lock for the block; raises ModelChanged if model and weights are not those of this pass.

        Autocast is on or off in the block as it was in the pass.
        """
        return Block(self._guard)

    def _guard(self, block: Block[Any]) -> None:
        prepare(block, self.model)
        self.anatomy.structure.check()
        set_autocast(block, self._autocast)
        if weight_versions(self.model) != self._versions:
            raise fail(
                "the weights that this trace was made with",
                "weights that were written to or replaced",
                "So the model has changed since: trace again.",
                ModelChanged,
            )

    def check_repeats(self) -> None:
        """Raises ModelChanged unless the model still computes the logits of this pass, so that another can be compared."""

        def repeats() -> bool:
            with (block := Block(self._begin_again)), block:
                return agree(self._run().logits[0], self.logits)

        if not self.confirmations.result(("repeats", *attention_names(self.model)), [self.model], repeats):
            raise fail(
                "a model that computes a text as it did for this trace",
                "other logits for the same text",
                "A setting, a hook or autocast has changed since, or the model draws random numbers. Trace again.",
                ModelChanged,
            )

    def _begin_again(self, block: Block[Any]) -> None:
        self._guard(block)
        add_hooks(block, _edit_hooks(self))
        record(block, self.model, self.route, keep="nothing", edits=_edited_heads(self))

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The edits of this pass, in order."""
        return self.editing.edits

    @property
    def nbytes(self) -> int:
        """Bytes of all distinct storages that this pass holds."""
        tensors = [
            self.logits,
            *self.maps.values(),
            *(t for stack in (self, *self.beside) for t in stack._held.values()),
        ]
        for call in self.calls.values():
            tensors += [t for t in (call.query, call.key, call.value, call.mask, call.output) if isinstance(t, Tensor)]
        storages = {s.data_ptr(): s.nbytes() for s in (t.untyped_storage() for t in tensors)}
        return sum(storages.values())

    def held(self, site: str, layer: int) -> Tensor:
        """Returns what passed a site of a layer, as the model shapes it.

        Raises NotAvailable if nothing passed there, as in a model that leaves blocks out for some texts.
        """
        if (site, layer) not in self._held:
            raise fail(
                "a block that this pass went through",
                f"block {min(layer, self.n_layers - 1)} of {self.family}, which this pass left out",
                "Ask for another block, or trace another text.",
                NotAvailable,
                code="left_out",
                layer=min(layer, self.n_layers - 1),
                family=self.family,
            )
        return self._held[site, layer]

    def holds(self, site: str, layer: int) -> bool:
        """Returns whether what passed a site of a layer was held."""
        return (site, layer) in self._held

    def heads_in(self, layer: int) -> int:
        """Returns the number of heads of a layer, 0 if it has no attention."""
        return self.anatomy.layers[layer].n_heads

    def residual(self, depth: int) -> Tensor:
        """Returns the stream entering block `depth`; `n_layers` is what leaves the last block: (T, d_model)."""
        check_one_stream(self.anatomy, self.family)
        return self.held("residual", depth).reshape(-1, self.d_model)

    def residual_before_edits(self, depth: int) -> Tensor:
        """Returns the same as it was before edits of the stream at this depth: (T, d_model)."""
        after = self.residual(depth)
        return self._held.get(("residual_before_edits", depth), after).reshape(-1, self.d_model)

    def stream_after(self, layer: int) -> Tensor:
        """Returns the stream that left a block, before edits at the next depth: (T, d_model)."""
        depths = [depth for depth in range(layer + 1, self.n_layers + 1) if self.holds("residual", depth)]
        if not depths and self.holds("tail_in", self.n_layers):  # the pass left out all blocks that follow
            return self.held("tail_in", self.n_layers).reshape(-1, self.d_model)
        return self.residual_before_edits(depths[0] if depths else layer + 1)

    @property
    def family(self) -> str:
        """The name of the model's class, for errors."""
        return type(self.model).__name__

    def attention_module(self, layer: int) -> nn.Module:
        """Returns the layer's attention module; raises NotAvailable for a layer without attention."""
        module = self.anatomy.layers[layer].attention
        if module is None:
            raise no_attention(layer, self.family)
        return module

    def parts(self, layer: int, quantity: str) -> tuple[Part, Part]:
        """Returns the attention and the MLP of a block. quantity: names what the caller wants to tell apart.

        Raises NotAvailable if the change of the stream in the block is not the sum of the two, or has no attention.
        """
        self.attention_module(layer)
        block = self.anatomy.layers[layer]
        if block.attention_part is None or block.mlp_part is None:
            raise fail(
                "a block that adds the outputs of its attention and its MLP to the stream",
                f"block {layer} of {self.family}, where no two outputs sum to the change of the stream",
                f"{quantity} cannot be told apart here; `trace.residual` can be read.",
                NotAvailable,
                code="no_parts",
                layer=layer,
                family=self.family,
            )
        return block.attention_part, block.mlp_part

    def check_not_edited(self, site: str, layer: int, quantity: str, instead: str) -> None:
        """Raises NotAvailable if an edit has set the output at `site`, so that it is no longer the sum of its parts."""
        if self.editing.touches(site, layer):
            raise fail(
                f"a block whose {quantity} is the sum of its own parts",
                f"block {layer} of a pass in which an edit has set it",
                f"{instead} has what it became.",
                NotAvailable,
                code="part_was_set",
                layer=layer,
                what=quantity,
            )


def _edit_hooks(recorded: RecordedPass) -> list[Hook]:
    """Returns the hooks of the edits of all stacks of a run."""
    return [hook for stack in (recorded, *recorded.beside) for hook in stack.editing.hooks()]


def _edited_heads(recorded: RecordedPass) -> dict[nn.Module, EditOutput]:
    """Returns the edits of heads of all stacks of a run."""
    stacks = (recorded, *recorded.beside)
    return {module: edit for stack in stacks for module, edit in stack.editing.heads().items()}


def _holding(recorded: RecordedPass, site: str, layer: int, module: nn.Module, end: str) -> Hook:
    """Returns the hook that holds what passes a site."""
    overwritten = module in recorded.anatomy.overwritten

    def callback(tensor: Tensor) -> None:
        recorded._held[site, layer] = tensor.clone() if overwritten else tensor

    return module, end, callback

"""Reads another prompt to patch from: of an encoder-decoder another target to the same source, or another source."""

from typing import Any

from gptviz.errors import NotAvailable, fail
from gptviz.trace.runnable import check_can_run, rerunning_model
from gptviz.trace.trace import Trace


def other_pass(plain: Trace, prompt: str, stack: str) -> Trace:
    """Returns the pass over another prompt. stack: where numbers will be patched from it."""
    gpt: Any = check_can_run(plain.gpt)
    if gpt.decoder_only:
        other: Trace = gpt.trace(prompt)
    elif stack == "encoder":
        if gpt.reads_sound:
            raise fail(
                "a source that can be typed here",
                f"a sound, which {plain.model_name} reads",
                'Trace the other sound in Python: gptviz.patch(…, source=gpt.trace(path), stack="encoder").',
                NotAvailable,
                code="prompt_sound",
                model=plain.model_name,
            )
        other = gpt.trace(prompt, plain.tokens)
    else:
        other = rerunning_model(plain).trace_continued(gpt.target_ids(prompt), ())
    return other

"""Writes the Python code that makes a trace again: its sources and vectors, its edits, its pass."""

import json
from collections.abc import Callable
from typing import Any

from gptviz.errors import GPTVizError
from gptviz.trace.runnable import check_can_run
from gptviz.trace.trace import Trace


def as_code(trace: Trace) -> str:
    """Returns the lines that make this trace from a model named `gpt`: its sources and vectors first, then the pass.

    The source of an encoder-decoder that reads sound is named `sound`: its path, or its samples.
    """
    lines: list[str] = []
    names: dict[str, str] = {}  # by the code that makes the value, so that two traces of one text share a name

    def named(value: Any) -> str:
        is_trace = isinstance(value, Trace)
        code = _trace_call(value, named) if is_trace else repr(list(value))
        if code not in names:
            kind = "source" if is_trace else "vector"
            count = sum(name.startswith(kind) for name in names.values())
            names[code] = kind if not count else f"{kind}_{count + 1}"
            lines.append(f"{names[code]} = {code}")
        return names[code]

    last = f"trace = {_trace_call(trace, named)}"
    return "\n".join([*lines, last])


def _trace_call(trace: Trace, named: Callable[[Any], str]) -> str:
    """Returns the call that makes a trace, with its text as the prompt, or its ids if the text gives other tokens."""
    gpt: Any = check_can_run(trace.gpt)
    if gpt.decoder_only:
        prompts = [_prompt(gpt.encode, trace)]
    else:
        source = "sound" if gpt.reads_sound else _prompt(gpt.source_ids, trace.of_stack("encoder"))
        prompts = [source, _prompt(gpt.target_ids, trace)]
    arguments = ", ".join(prompts)
    if not trace.edits:
        return f"gpt.trace({arguments})"
    edits = "".join(f"    {edit.code(named)},\n" for edit in trace.edits)
    return f"gpt.trace({arguments}, edits=[\n{edits}])"


def _prompt(encode: Callable[[str], list[int]], trace: Trace) -> str:
    """Returns a text as code, or its ids if the text is read as others. encode: reads a text."""
    ids = [token.id for token in trace.tokens]
    try:
        return literal(trace.text if encode(trace.text) == ids else ids)
    except GPTVizError:
        return literal(ids)


def literal(value: Any) -> str:
    """Returns a value as Python code, with double quotes around text and a tuple as a list."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(literal, value))}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)

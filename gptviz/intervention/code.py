"""Writes the Python code that makes a trace again: its sources and vectors, its edits, its pass."""

import json
from collections.abc import Callable
from typing import Any

from gptviz.errors import GPTVizError
from gptviz.trace.runnable import check_decoder_only, running_model
from gptviz.trace.trace import Trace


def as_code(trace: Trace) -> str:
    """Returns the lines that make this trace from a model named `gpt`: its sources and vectors first, then the pass."""
    check_decoder_only(trace.gpt)
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
    ids = [token.id for token in trace.tokens]
    try:
        prompt: Any = trace.text if running_model(trace).encode(trace.text) == ids else ids
    except GPTVizError:
        prompt = ids
    if not trace.edits:
        return f"gpt.trace({literal(prompt)})"
    edits = "".join(f"    {edit.code(named)},\n" for edit in trace.edits)
    return f"gpt.trace({literal(prompt)}, edits=[\n{edits}])"


def literal(value: Any) -> str:
    """Returns a value as Python code, with double quotes around text and a tuple as a list."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(literal, value))}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)

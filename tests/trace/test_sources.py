"""A trace needs no more of its sources than their Protocols: another kind of pass and model is one more class each."""

import subprocess
import sys
from contextlib import nullcontext

import numpy as np
import pytest

from gptviz.errors import NotAvailable, OutOfRange, fail
from gptviz.text.tokens import Token
from gptviz.trace.runnable import running_model
from gptviz.trace.sources import AttentionSource, ModelSource, PassSource
from gptviz.trace.trace import Trace

T, VOCAB = 3, 5


class UniformAttention(AttentionSource):
    """Only the weights: every query looks at all keys up to its own equally."""

    def weights(self, layer, head=None):
        causal = np.tril(np.ones((T, T), np.float32))
        weights = np.stack([causal / causal.sum(-1, keepdims=True)] * 2)
        return weights if head is None else weights[head : head + 1]

    def sink(self, layer, head):
        raise fail("a pass with sinks", "another", "Look at the weights.", NotAvailable)


class RemotePass(PassSource):
    """What a server might tell: logits and weights."""

    n_layers, n_heads, d_model, d_head, route = 1, 2, 4, 2, "interface"
    logits = np.arange(T * VOCAB, dtype=np.float32).reshape(T, VOCAB)
    attention = UniformAttention()
    edits, nbytes = (), 60

    def guarding_weights(self):
        return nullcontext()


class RemoteModel(ModelSource):
    name, vocab_size, can_run = "remote", VOCAB, False

    def token(self, id, position=-1):
        return Token(id, str(id), str(id).encode(), position)


def test_a_trace_is_made_of_any_pass_and_model():
    tokens = tuple(Token(i, str(i), str(i).encode(), i) for i in range(T))
    trace = Trace(RemoteModel(), RemotePass(), tokens, "012")
    assert trace.attention().shape == (1, 2, T, T)
    np.testing.assert_array_equal(trace.attention(0, 1)[1], np.float32([0.5, 0.5, 0]))
    assert [token.id for token, _ in trace.top(2)] == [4, 3]
    with pytest.raises(OutOfRange, match="a head from 0 to 1"):
        trace.attention(0, 2)
    with pytest.raises(NotAvailable, match="a pass with sinks"):
        trace.sink(0, 0)
    with pytest.raises(NotAvailable, match="a trace whose model is loaded"):
        running_model(trace)


def test_what_a_trace_is_made_from_imports_nothing_that_stands_above_it():
    code = (
        "import sys, gptviz.trace.runnable, gptviz.trace.opening; "
        "above = ('torch', 'transformers', 'gptviz.intervention', 'gptviz.model', 'gptviz.gpt', 'gptviz.lens'); "
        "print([name for name in above if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

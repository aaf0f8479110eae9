"""`tales` served by a real vLLM on this machine, against the same model here: `make test-served`, not in `make test`.

vLLM needs an environment of its own. The server is started twice: with raw log-probabilities, and with processed ones.
"""

import contextlib
import math
import os
import socket
import subprocess
from pathlib import Path

import numpy as np
import pytest
from close import rounding

import gptviz
from gptviz._paths import assets_dir
from gptviz.errors import RequestRefused, ServerError
from gptviz.sampling import distribution

PYTHON = Path(os.environ.get("GPTVIZ_VLLM", Path(__file__).parents[2] / ".venv-vllm" / "bin" / "python"))
PROMPT = "Once upon a time there was a"
MESSAGES = [{"role": "user", "content": "Good day, Mary. Where is the castle?"}]
SETTINGS = [
    {"temperature": 0.6, "top_k": 7},
    {"temperature": 1.0, "top_p": 0.3},
    {"temperature": 0.6, "min_p": 0.3},
    {"temperature": 1.0, "top_k": 7, "top_p": 0.7},
]


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


@pytest.fixture(scope="module", params=["raw", "processed"])
def served(request, tmp_path_factory):
    """A connection to a server that has just been started."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {"--model": assets_dir() / "tales", "--served-model-name": "tales", "--host": "127.0.0.1", "--port": port,
               "--dtype": "float32", "--max-model-len": 256, "--logprobs-mode": f"{request.param}_logprobs"}  # fmt: skip
    command = [PYTHON, "-m", "vllm.entrypoints.openai.api_server", "--enforce-eager", *sum(options.items(), ())]
    environment = os.environ | {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1"}
    environment.pop("PYTHONPATH", None)
    with (tmp_path_factory.mktemp("vllm") / "log").open("w") as log:
        process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, env=environment)
        try:
            yield connected(process, f"http://127.0.0.1:{port}/v1")
        finally:
            process.terminate()
            process.wait()


def connected(process, address):
    """Returns a connection as soon as the server answers, and fails if it ends."""
    while process.poll() is None:
        try:
            return gptviz.connect(address, retries=0)
        except ServerError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=1)
    raise AssertionError("the server ended before it answered")


@pytest.fixture
def is_raw(request):
    return "raw" in request.node.callspec.id


def test_what_it_reveals(served, is_raw):
    assert served.name == "tales" and served.log_probabilities == ("raw" if is_raw else "processed")
    assert (served.reveals.leaders, served.reveals.ids, served.reveals.extras) == (20, True, True)


@pytest.mark.parametrize("settings", [{}, {"stop": ["."]}, {"max_tokens": 5}])
def test_greedy_text_is_the_model_s_own(served, gpt, is_raw, settings):
    settings = {"max_tokens": 40, "temperature": 0} | settings
    local, completion = gpt.complete(PROMPT, **settings), served.complete(PROMPT, **settings)
    (expected,), (choice,) = local.choices, completion.choices
    assert (choice.text, choice.finish_reason) == (expected.text, expected.finish_reason)
    assert choice.token_ids == expected.token_ids and completion.usage == local.usage
    # From call to call, numbers may differ by rounding, and vLLM may send several tokens in one event.
    streamed = list(served.stream(PROMPT, **settings))
    assert [step.token for step in streamed] == [step.token for step in choice.steps]
    assert "".join(step.text for step in streamed) == choice.text
    near = rounding(1.0, gpt.trace(PROMPT + expected.text).logits)
    for step, own in zip(choice.steps, expected.steps, strict=True):
        assert step.token.text == own.token.text and step.sampling_probability == 1
        assert [one.token.id for one in step.alternatives] == [one.token.id for one in own.alternatives]
        assert (
            math.isnan(step.probability) if not is_raw else step.probability == pytest.approx(own.probability, rel=near)
        )


@pytest.mark.parametrize("settings", SETTINGS)
def test_probabilities_after_the_settings_are_those_of_the_stages(served, gpt, is_raw, settings):
    completion = served.complete(PROMPT, max_tokens=5, n=2, seed=3, **settings)
    prompt = [token.id for token in completion.prompt_tokens]
    assert prompt == gpt.encode(PROMPT)
    for choice in completion.choices:
        for step in choice.steps:
            logits = gpt.trace([*prompt, *choice.token_ids[: step.index]]).logits[-1]
            right = distribution(logits, **settings).probabilities
            if is_raw and (right > 0).sum() > served.reveals.leaders:
                assert math.isnan(step.sampling_probability), "tokens are kept that the server does not reveal"
                continue
            assert step.sampling_probability == pytest.approx(right[step.token.id], rel=rounding(1.0, logits))


def test_choices_and_seeds(served):
    first, again, other = (
        served.complete(PROMPT, max_tokens=12, n=3, temperature=1.0, seed=seed) for seed in (1, 1, 2)
    )
    texts = [[choice.text for choice in completion.choices] for completion in (first, again, other)]
    assert texts[0] == texts[1] != texts[2] and len(set(texts[0])) > 1


def test_the_next_token_and_a_given_text(served, gpt):
    trace, revealed = gpt.trace(PROMPT), served.next_token(PROMPT)
    near, probabilities = rounding(1.0, trace.logits), trace.probabilities()
    assert [token.id for token, _ in revealed.top(20)] == [token.id for token, _ in trace.top(20)]
    for token, share in revealed.top(20):
        assert share == pytest.approx(float(probabilities[token.id]), rel=near)
    assert revealed.unrevealed == pytest.approx(1 - float(np.sort(probabilities)[-20:].sum()), abs=near)
    text = "Tom and Mary went to the park."
    steps, trace = served.score(text), gpt.trace(text)
    assert [step.token.text for step in steps] == [token.text for token in trace.tokens]
    for i, step in enumerate(steps[1:]):
        assert step.probability == pytest.approx(float(trace.probabilities(i)[step.token.id]), rel=near)


def test_an_answer_to_a_chat(served, gpt):
    local, answer = (model.chat(MESSAGES, max_tokens=12, temperature=0, stop="\n") for model in (gpt, served))
    assert answer.choices[0].text == local.choices[0].text
    assert [token.id for token in answer.prompt_tokens] == [token.id for token in local.prompt_tokens]


def test_a_prompt_that_is_too_long_is_refused_in_words(served):
    with pytest.raises(RequestRefused, match="maximum context length"):
        served.complete("once " * 400)

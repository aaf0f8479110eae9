"""Servers that misbehave: each failure is an error of gptviz's in words, in time, and keeps what arrived."""

import json
import logging
import pickle
import socket
import traceback
import types

import pytest
from protocol_server import (
    cut,
    drip,
    end_early,
    fall_silent,
    first_events,
    hang,
    page,
    status,
    stream,
)

import gptviz
from gptviz.errors import (
    GPTVizError,
    KeyRefused,
    ModelNotFound,
    NotAvailable,
    RequestRefused,
    ServerBusy,
    ServerError,
    ServerTimeout,
    WrongType,
)

PROMPT = "Once upon a time there was a"
PATH = "/v1/completions"
SHORT = 0.4  # seconds, for servers that never answer


@pytest.fixture
def served(server):
    """A connection that knows already what the server reveals, so that the next request is the one that goes wrong."""
    served = gptviz.connect(server.url)
    served.complete(PROMPT, max_tokens=6, temperature=0)
    server.prepared = list(server.events(server.bodies(PATH)[-1]))
    server.asked.clear()
    return served


def token(text="a", **fields):
    return {"choices": [{"index": 0, "text": text, **fields}]}


LISTS = {"tokens": ["a"], "token_logprobs": [-1.0], "top_logprobs": [{"a": -1.0}]}
# What goes wrong, the error, what its message says, and how many tokens are kept.
MISDEEDS = {
    "busy": (status(429, "slow down", Retry_After="3600"), ServerBusy, "asked again in 3600 s: 'slow down'", 0),
    "failed": (status(400, "too long"), RequestRefused, "status 400: 'too long'", 0),
    "unknown path": (status(404, "Not Found"), NotAvailable, "status 404: 'Not Found'. .*end in /v1", 0),
    "silent": (hang, ServerTimeout, "within 0.4 s. Got none", 0),
    "silent after 2": (first_events(2, fall_silent), ServerTimeout, "within 0.4 s. Got nothing more", 2),
    "dripping": (first_events(2, drip), ServerTimeout, "within 0.4 s. Got nothing more", 2),
    "dripping from the start": (first_events(0, drip), ServerTimeout, "within 0.4 s. Got none", 0),
    "cut": (first_events(3, cut), ServerError, "an end in the middle", 3),
    "early end": (first_events(2, end_early), ServerError, "its end after 2 tokens.*completion holds", 2),
    "no events": (stream(), ServerError, "its end after 0 tokens. Ask again.$", 0),
    "a page": (page(b"<html>Please log in</html>"), ServerError, "its end after 0 tokens", 0),
    "no JSON": (stream("{broken"), ServerError, "reply in JSON.*something that is not JSON", 0),
    "no object": (stream([1]), ServerError, "a reply as a JSON object. Got list", 0),
    "no choices": (stream({"object": "x"}), ServerError, "a reply with choices. Got none", 0),
    "choices of no kind": (stream({"choices": [3]}), ServerError, "a choice as a JSON object. Got int", 0),
    "a text of no kind": (stream(token(7)), ServerError, "a choice with text. Got int as text", 0),
    "a choice too many": (
        stream(token() | {"choices": [{"index": 4}]}),
        ServerError,
        "choices below 1. Got choice 4",
        0,
    ),
    "lists of two lengths": (
        stream(token(logprobs=LISTS | {"token_logprobs": []})),
        ServerError,
        "token_logprobs of 1",
        0,
    ),
    "no numbers": (stream(token(logprobs=LISTS | {"token_logprobs": ["x"]})), ServerError, "as numbers. Got 'x'", 0),
    "logits": (stream(token(logprobs=LISTS | {"top_logprobs": [{"a": 9.5}]})), ServerError, "at most 0. Got 9.5", 0),
    "an error inside": (stream({"error": {"message": "out of memory"}}), ServerError, "the error 'out of memory'", 0),
}


@pytest.mark.parametrize("name", MISDEEDS)
def test_each_misdeed_is_an_error_in_words_and_what_arrived_is_kept(server, served, name):
    misdeed, kind, message, kept = MISDEEDS[name]
    server.order(PATH, misdeed)
    if kind is ServerTimeout:
        served.timeout = SHORT
    with pytest.raises(GPTVizError, match=message) as caught:
        served.complete(PROMPT, max_tokens=6, temperature=0)
    error = caught.value
    assert type(error) is kind and error.__cause__ is None and error.__context__ is None
    if kept:
        arrived = error.completion.choices[0]
        assert len(arrived.steps) == kept and arrived.finish_reason == "interrupted" and arrived.text
    else:
        assert getattr(error, "completion", None) is None
    server.released.set()
    served.timeout = 60
    assert len(server.bodies(PATH)) == 1, "nothing was sent again"
    whole = served.complete(PROMPT, max_tokens=6, temperature=0).choices[0]
    assert whole.finish_reason == "length", "the connection works again"
    assert not kept or whole.text.startswith(arrived.text)


def test_a_stream_hands_on_every_token_before_it_breaks(server, served):
    server.order(PATH, first_events(3, cut))
    steps = []
    with pytest.raises(ServerError, match="in the middle") as caught:
        steps.extend(iter_into(steps, served.stream(PROMPT, max_tokens=6, temperature=0)))
    assert tuple(steps) == caught.value.completion.choices[0].steps and len(steps) == 3


def iter_into(steps, source):
    """Appends the items one by one, so that those before an exception stay."""
    for item in source:
        steps.append(item)
    return ()


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_busy_server_is_asked_again_and_each_time_is_counted(server, served, caplog, code):
    server.order(PATH, status(code, "loading", Retry_After="0"), status(code, "loading"))
    completion = served.complete(PROMPT, max_tokens=2, temperature=0)
    assert len(completion.choices[0].steps) == 2 and len(server.bodies(PATH)) == 3
    lines = [record.getMessage() for record in caplog.records if record.name == "gptviz.served"]
    assert len(lines) == 2 and "Try 2 of 3, in 0.0 s." in lines[0] and "Try 3 of 3" in lines[1]
    assert all(f"status {code}" in line and "'loading'" in line for line in lines)
    server.order(PATH, *[status(code, "loading")] * 3)
    with pytest.raises(ServerBusy if code == 429 else ServerError, match="after 3 tries: 'loading'"):
        served.complete(PROMPT)
    assert len(server.bodies(PATH)) == 6


def test_retries_can_be_fewer_and_a_date_says_when(server, caplog):
    served = gptviz.connect(server.url, retries=0)
    _ = served.reveals
    server.order(PATH, status(503, "loading"))
    with pytest.raises(ServerError, match="status 503: 'loading'"):
        served.complete(PROMPT)
    again = gptviz.connect(server.url, retries=1)
    _ = again.reveals
    server.order(PATH, status(429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"))
    assert again.complete(PROMPT, max_tokens=1).choices[0].steps and "in 0.0 s" in caplog.text
    server.order(PATH, status(429, Retry_After="Wed, 21 Oct 2065 07:28:00 GMT"))
    with pytest.raises(ServerBusy, match="asked again in"):
        again.complete(PROMPT, max_tokens=1)


def test_a_server_that_ignores_max_tokens_is_left(server, served):
    events = [token(logprobs=LISTS) for _ in range(40)]
    server.order(PATH, stream(*events))
    choice = served.complete(PROMPT, max_tokens=3, temperature=0).choices[0]
    assert choice.text == "aaa" and choice.finish_reason == "length" and len(choice.steps) == 3


def test_a_finished_text_needs_no_proper_end(server, served):
    server.order(PATH, first_events(6, cut))
    choice = served.complete(PROMPT, max_tokens=6, temperature=0).choices[0]
    assert choice.finish_reason == "length" and len(choice.steps) == 6


def test_a_refused_connection(monkeypatch, server, caplog):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        with pytest.raises(ServerError, match=r"refused.*after 2 tries. Is the server running"):
            gptviz.connect(address, retries=1)
    assert "Try 2 of 2" in caplog.text


@pytest.mark.parametrize(
    ("models", "model", "kind", "message"),
    [
        (("little", "large"), "litle", ModelNotFound, "'litle'. Did you mean little?"),
        (("little", "large"), "zebra", ModelNotFound, "'zebra'. It serves little, large."),
        (("little", "large"), None, GPTVizError, "none, and 2 to choose from. Give model=, one of little, large."),
        ((), None, ModelNotFound, "Got none"),
    ],
)
def test_which_model(server, models, model, kind, message):
    server.start(models=models)
    with pytest.raises(kind, match=message):
        gptviz.connect(server.url, model)


def test_a_server_without_a_list_of_models_takes_the_name(server):
    server.order("/models", status(404))
    assert gptviz.connect(server.url, "little").complete(PROMPT, max_tokens=1).model == "little"
    server.order("/models", status(404))
    with pytest.raises(NotAvailable, match="/models at"):
        gptviz.connect(server.url)
    server.order("/models", page(b"<html>"), page(b'{"data": [{"name": 3}]}', "application/json"))
    with pytest.raises(ServerError, match=r"a list of models as a JSON object. Got str.*end in /v1"):
        gptviz.connect(server.url)
    with pytest.raises(ServerError, match="a model with id"):
        gptviz.connect(server.url)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"base_url": "127.0.0.1:8000/v1"}, GPTVizError, "begins with http"),
        ({"base_url": "ftp://host/v1"}, GPTVizError, "begins with http"),
        ({"base_url": "http://host:port/v1"}, GPTVizError, "begins with http"),
        ({"base_url": 8000}, WrongType, "the address of a server. Got int"),
        ({"base_url": "http://me:" + "sk-secret@host/v1"}, GPTVizError, "without a user name"),
        ({"base_url": "http://host/v1?key=sk-secret"}, GPTVizError, "without a user name"),
        ({"api_key": 5}, WrongType, "api_key as a text"),
        ({"api_key": "sk-secret\nmore"}, GPTVizError, "visible ASCII"),
        ({"timeout": 0}, WrongType, "above 0 seconds"),
        ({"retries": -1}, WrongType, "retries of 0 or more"),
        ({"model": 5}, WrongType, "name of a model"),
    ],
)
def test_wrong_arguments_are_refused_without_a_request_and_without_the_secret(server, arguments, kind, message):
    with pytest.raises(kind, match=message) as caught:
        gptviz.connect(**{"base_url": server.url} | arguments)
    assert not server.asked and "secret" not in str(caught.value)


KEY = "sk-sentinel-4f9a77c2d1"


@pytest.mark.parametrize("is_written", [True, False])
def test_a_key_that_is_written_in_the_cell_is_warned_of(server, monkeypatch, caplog, is_written):
    cell = f'gptviz.connect(url, api_key="{KEY}")' if is_written else "gptviz.connect(url, api_key=getpass())"
    shell = types.SimpleNamespace(user_ns={"In": ["1 + 1", cell]})
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    gptviz.connect(server.url, api_key=KEY)
    assert ("stays in the notebook" in caplog.text) == is_written and KEY not in caplog.text


@pytest.mark.parametrize("source", ["argument", "environment"])
def test_the_key_is_found_nowhere(server, monkeypatch, caplog, source):
    server.start(key=KEY)
    with caplog.at_level(logging.DEBUG):
        with pytest.raises(KeyRefused, match=r"without a key.*OPENAI_API_KEY") as missing:
            gptviz.connect(server.url)
        if source == "environment":
            monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\n")
        served = gptviz.connect(server.url, api_key=KEY if source == "argument" else None)
        completion = served.complete(PROMPT, max_tokens=2, temperature=0)
        revealed, scored = served.next_token(PROMPT), served.score(PROMPT)
        monkeypatch.setenv("OPENAI_API_KEY", KEY + "-wrong")
        errors = [missing.value]
        with pytest.raises(KeyRefused, match="with the key that was given") as refused:
            gptviz.connect(server.url)
        errors.append(refused.value)
        for misdeed in (
            status(400, f"bad key {KEY}"),
            status(429, KEY),
            stream({"error": {"message": KEY}}),
            stream(KEY),
        ):
            server.order(PATH, misdeed, misdeed, misdeed)
            with pytest.raises(GPTVizError) as caught:
                served.complete(PROMPT)
            server.misdeeds.clear()
            errors.append(caught.value)
        copied = pickle.loads(pickle.dumps(served))
    texts = [
        caplog.text, repr(served), repr(revealed), repr(completion), str(vars(served)), str(dir(served)),
        json.dumps(completion.to_dict()), repr(scored), repr(copied),
        *("".join(traceback.format_exception(error)) for error in errors),
    ]  # fmt: skip
    pickles = [pickle.dumps(value) for value in (served, completion, revealed, scored, copied, *errors)]
    assert len(errors) == 6 and all(KEY not in text for text in texts)
    assert all(KEY.encode() not in data for data in pickles)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert (
        pickle.loads(pickle.dumps(served)).complete(PROMPT, max_tokens=2, temperature=0).choices == completion.choices
    )

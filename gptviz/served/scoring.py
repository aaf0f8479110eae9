"""How probable each token of a given text was after those before it, from a server that echoes prompts."""

from dataclasses import replace

from gptviz.errors import NotAvailable, RequestRefused, fail
from gptviz.generation.call import check_call
from gptviz.generation.completion import Step
from gptviz.served.endpoint import Endpoint
from gptviz.served.protocol import read_event
from gptviz.served.steps import StepMaker
from gptviz.served.token_texts import TokenTexts


def score(endpoint: Endpoint, texts: TokenTexts, text: str) -> tuple[Step, ...]:
    """Returns a step for each token of the text, as the model itself would have drawn it; the first has no probability.

    Raises NotAvailable if the server does not echo prompts, or reveals no log-probabilities.
    """
    reveals, address = endpoint.reveals, endpoint.client.address
    if not reveals.leaders:
        remedy = "vLLM and llama.cpp do. Load the model here, with gptviz.load(name), to see all numbers."
        raise fail("a server that reveals log-probabilities", f"none from {address}", remedy, NotAvailable)
    call = check_call(max_tokens=1, temperature=1.0, seed=0)
    refusal = ""
    try:
        event = read_event(endpoint.client.ask(endpoint.path, endpoint.body(text, call, reveals) | {"echo": True}))
    except RequestRefused as error:
        refusal = error.got
    if refusal or not event.pieces or not event.pieces[0].text.startswith(text):
        got = refusal or f"{address}, which leaves the prompt out"
        remedy = "vLLM echoes prompts. gpt.next_token(text) works without; it predicts the token after the text."
        raise fail("a server that echoes a prompt with its log-probabilities", got, remedy, NotAvailable)
    tokens = event.pieces[0].tokens
    drawn = event.usage[1] if event.usage else call.max_tokens
    maker = StepMaker(endpoint, texts, call)
    steps = [maker.step(drawn_token, 0, i, i, "") for i, drawn_token in enumerate(tokens[: len(tokens) - drawn])]
    return tuple(replace(step, text=step.token.text) for step in steps)

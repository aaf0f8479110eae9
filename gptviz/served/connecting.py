"""Connects to a model on a server: checks the address and the key, and finds the model among those that are served."""

import os
import sys
from typing import Any
from urllib.parse import urlsplit

from gptviz.checks import did_you_mean
from gptviz.errors import ModelNotFound, NotAvailable, WrongType, fail
from gptviz.served.client import Client, logger
from gptviz.served.model import KEY_VARIABLE, ServedModel, check_timeout
from gptviz.served.protocol import read_model_names

_EXAMPLE = 'For example "http://127.0.0.1:8000/v1".'
_LISTED = 8  # names of models in an error


def connect(
    base_url: str, model: str | None = None, api_key: str | None = None, *, timeout: float = 60.0, retries: int = 2
) -> ServedModel:
    """Connects to a model on a server that speaks OpenAI's completions protocol, such as vLLM.

    base_url: the server's address; most end in /v1. model: the name by which the server knows the model; None if it has only
    one. api_key: None for that of the environment variable OPENAI_API_KEY, if it is set. timeout: seconds that the server
    may take until the first token, and from one to the next. retries: how often a request is sent again while the server is
    not there, is busy or fails; each time is logged.

    Returns a model with `complete`, `stream` and `chat`, whose results are those of a `GPT`, and `next_token` and `score`.
    Raises ServerError if the server does not answer, KeyRefused, ModelNotFound, and GPTVizError for wrong arguments.
    """
    address = _check_address(base_url)
    key = _check_key(os.environ.get(KEY_VARIABLE, "") if api_key is None else api_key)
    if key and key in _running_cell():  # not by `warnings`, which print the line with the key
        logger.warning("The key is written in this cell and stays in the notebook. Use api_key=getpass.getpass().")
    if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
        raise fail("retries of 0 or more", f"{retries!r:.40}", "A request is sent again as often.", WrongType)
    if model is not None and not isinstance(model, str):
        raise fail("the name of a model", type(model).__name__, "None takes the only one of a server.", WrongType)
    client = Client(address, key, check_timeout(timeout), retries)
    return ServedModel(client, _choose(client, model))


def _check_address(base_url: Any) -> str:
    """Returns the address without a slash at its end. What may be a secret in it is not quoted."""
    if not isinstance(base_url, str):
        raise fail("the address of a server", type(base_url).__name__, _EXAMPLE, WrongType)
    try:
        parts = urlsplit(base_url.strip())
        has_host, has_secret = bool(parts.hostname), bool(parts.username or parts.password or parts.query)
        _ = parts.port
    except ValueError:
        has_host = has_secret = False
    if has_secret:
        remedy = "Give the key as api_key, or in the environment."
        raise fail("an address without a user name, password or query", "one with it", remedy)
    if not has_host or parts.scheme not in ("http", "https"):
        raise fail("an address that begins with http:// or https://", f"{base_url!r:.60}", _EXAMPLE)
    return parts._replace(fragment="").geturl().rstrip("/")


def _check_key(key: Any) -> str:
    """Returns the key without white space around it. Errors do not quote it."""
    if not isinstance(key, str):
        raise fail("api_key as a text", type(key).__name__, f"None reads the variable {KEY_VARIABLE}.", WrongType)
    key = key.strip()
    if not key.isascii() or not (key.isprintable() and " " not in key):
        raise fail("a key of visible ASCII characters", "one with others", "Copy it again.")
    return key


def _running_cell() -> str:
    """Returns the source of the cell that runs; "" outside of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    cells = shell.user_ns.get("In") if shell else None
    return str(cells[-1]) if cells else ""


def _choose(client: Client, model: str | None) -> str:
    """Returns the name of the model to ask."""
    try:
        names = read_model_names(client.ask("models"))
    except NotAvailable:  # some servers have no list
        if model is None:
            raise
        return model
    if model in names:
        return str(model)
    listed = ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")
    if model is not None:
        remedy = did_you_mean(model, names, f"It serves {listed or 'none'}.")
        raise fail(f"a model that {client.address} serves", f"{model!r:.80}", remedy, ModelNotFound)
    if len(names) == 1:
        return names[0]
    if not names:
        raise fail(f"a model at {client.address}", "none", "Load one on the server.", ModelNotFound)
    raise fail("the name of a model", f"none, and {len(names)} to choose from", f"Give model=, one of {listed}.")

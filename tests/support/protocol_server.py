"""A server of OpenAI's completions protocol on this machine, for a model of transformers. It misbehaves when it is told to.

It computes with transformers alone: the model's forward pass, the library's logits processors, torch's log_softmax and its
random numbers, so what gptviz makes of its replies is compared with numbers that gptviz did not compute.
"""

import json
import threading
from collections import defaultdict, deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import torch
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

KEY = "sk-sentinel-90ab"  # which browser tests look for where no key may be
STANDARD = {
    "model", "prompt", "messages", "max_tokens", "n", "seed", "temperature", "top_p", "stop", "stream", "stream_options",
    "logprobs", "top_logprobs", "echo",
}  # fmt: skip


@dataclass
class Options:
    """How the server was started. key: the one it wants; None for any.

    most: the most leaders that it reports; 0 reveals nothing. processed: whether its log-probabilities are those after the
    settings. strict: whether it refuses fields that OpenAI does not have. tokenizer: whether it has /tokenize and
    /detokenize. ids: whether it names tokens by ids if asked. content: whether it has chat's form of log-probabilities in
    completions too, as llama.cpp does. late: whether the finish reason comes in an event of its own, as OpenAI's does.
    bias: what is added to the logits of these ids.
    """

    key: str | None = None
    models: tuple[str, ...] = ("little",)
    most: int = 20
    processed: bool = False
    strict: bool = False
    tokenizer: bool = True
    ids: bool = True
    echo: bool = True
    content: bool = False
    late: bool = False
    bias: dict[int, float] = field(default_factory=dict)


class Refused(Exception):
    """A reply with an error's status."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status, self.message = status, message


class ProtocolServer(ThreadingHTTPServer):
    """The server. url: its address. asked: the path and body of every request. prepared: events of a true reply."""

    daemon_threads = True

    def __init__(self, gpt):
        super().__init__(("127.0.0.1", 0), Handler)
        self.gpt, self.options = gpt, Options()
        self.asked, self.misdeeds, self.prepared = [], defaultdict(deque), []
        self.released = threading.Event()  # ends what hangs
        self._lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"

    def start(self, **options):
        """Makes the server as if it had just been started with these options; returns its address."""
        self.options = Options(**options)
        self.released = threading.Event()
        self.asked.clear()
        self.misdeeds.clear()
        return self.url

    def order(self, path, *misdeeds):
        """Answers the next requests whose path ends so with these functions of the handler and the body."""
        self.misdeeds[path].extend(misdeeds)

    def bodies(self, path):
        """Returns the bodies of the requests to a path, in order."""
        return [body for asked, body in self.asked if asked == path]

    def handle_error(self, request, client_address):
        """A client that went away is no error."""

    def logits(self, ids):
        with self._lock, torch.no_grad():
            logits = self.gpt.model(torch.tensor([ids])).logits[0]  # (T, vocab)
        for id, bias in self.options.bias.items():
            logits[:, id] += bias
        return logits

    def spelled(self, id, body):
        if body.get("return_tokens_as_token_ids") and self.options.ids:
            return f"token_id:{id}"
        return self.gpt.tokenizer.decode([id])

    def ids_of(self, body):
        if "messages" in body:
            ids = self.gpt.tokenizer.apply_chat_template(body["messages"], add_generation_prompt=True, return_dict=True)
            return list(ids["input_ids"])
        prompt = body["prompt"]
        return self.gpt.tokenizer(prompt)["input_ids"] if isinstance(prompt, str) else list(prompt)

    def check(self, body):
        top = body.get("top_logprobs") or body.get("logprobs") or 0
        if 0 < self.options.most < top:
            raise Refused(400, f"logprobs may be {self.options.most} at most")
        unknown = set(body) - STANDARD
        if self.options.strict and unknown:
            raise Refused(400, f"Unrecognized request argument supplied: {sorted(unknown)[0]}")

    def events(self, body):
        """Yields the events of a stream."""
        ids, chat = self.ids_of(body), "messages" in body
        rows = [self.row(ids, body, choice) for choice in range(body.get("n", 1))]
        total = 0
        while rows:
            for row in list(rows):
                choice, text, logprobs, reason = next(row)
                total += 1
                written = {"delta": {"content": text}} if chat else {"text": text}
                reasons = [None, reason] if self.options.late and reason and logprobs else [reason]
                for each in reasons:
                    yield {"choices": [{"index": choice, **written, "logprobs": logprobs, "finish_reason": each}]}
                    written, logprobs = {"delta": {}} if chat else {"text": ""}, None
                if reason:
                    rows.remove(row)
        yield {"choices": [], "usage": {"prompt_tokens": len(ids), "completion_tokens": total}}

    def row(self, prompt, body, choice):
        """Yields (choice, text, log-probabilities, finish reason) for each token of one choice."""
        ids, shown = [], ""
        random = torch.Generator().manual_seed(body.get("seed", 0) + choice)
        for left in range(body["max_tokens"], 0, -1):
            logits = self.logits([*prompt, *ids])[-1:]
            processed = processors(body)(torch.tensor([[*prompt, *ids]]), logits)[0].log_softmax(-1)
            greedy = body.get("temperature", 1) == 0
            id = int(processed.argmax() if greedy else torch.multinomial(processed.exp(), 1, generator=random))
            ids.append(id)
            raw = logits[0].log_softmax(-1)
            logprobs = self.described([id], [processed if self.options.processed else raw], body)
            text = self.gpt.tokenizer.decode(ids, skip_special_tokens=True)
            ends = [text.find(stop) for stop in body.get("stop", []) if stop in text]
            stopped = bool(ends) or id in self.gpt.end_ids
            text = text[: min(ends)] if ends else text
            held_back = max(map(len, body.get("stop", [])), default=1) - 1
            whole = text if stopped or left == 1 else text[: len(text) - held_back].rstrip("\ufffd")
            yield choice, whole[len(shown) :], logprobs, "stop" if stopped else "length" if left == 1 else None
            if stopped:
                return
            shown = whole

    def described(self, ids, distributions, body):
        """Returns the log-probabilities of tokens in the form of the endpoint; None for a distribution is no number."""
        count = body.get("top_logprobs") or body.get("logprobs") or 0
        if not count or not self.options.most:
            return None
        own = [None if row is None else number(row[id]) for id, row in zip(ids, distributions, strict=True)]
        tops = [[] if row is None else row.topk(int(count)).indices.tolist() for row in distributions]
        if "messages" in body or self.options.content:

            def entry(id, value):
                raw = self.gpt.token(id).bytes
                return {"token": self.spelled(id, body), "logprob": value, "bytes": list(raw)}

            described = [
                entry(id, value) | {"top_logprobs": [entry(one, number(row[one])) for one in top]}
                for id, value, row, top in zip(ids, own, distributions, tops, strict=True)
            ]
            return {"content": described}
        return {
            "tokens": [self.spelled(id, body) for id in ids],
            "token_logprobs": own,
            "top_logprobs": [
                {self.spelled(one, body): number(row[one]) for one in [id, *top]} if top else None
                for id, row, top in zip(ids, distributions, tops, strict=True)
            ],
        }

    def whole(self, body):
        """Returns the reply of a request without a stream, with one choice."""
        *events, usage = self.events(body)
        reply = usage | {"choices": [events[0]["choices"][0]]}
        if body.get("echo") and self.options.echo:
            ids = self.ids_of(body)
            rows = [None, *self.logits(ids)[:-1].log_softmax(-1)]
            drawn = reply["choices"][0]
            logprobs = self.described(ids, rows, body)
            joined = {name: logprobs[name] + drawn["logprobs"][name] for name in logprobs}
            reply["choices"] = [drawn | {"text": body["prompt"] + drawn["text"], "logprobs": joined}]
        return reply


@contextmanager
def running_server(gpt):
    """Runs a server with this model in a thread."""
    with ProtocolServer(gpt) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.released.set()
        server.shutdown()


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a reply's body waits 40 ms until its header is acknowledged

    def log_message(self, *arguments):
        """Keeps the tests' output clean."""

    def do_GET(self):
        self.answer(None)

    def do_POST(self):
        self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def answer(self, body):
        server, options = self.server, self.server.options
        server.asked.append((self.path, body))
        for path, misdeeds in server.misdeeds.items():
            if self.path.endswith(path) and misdeeds:
                return misdeeds.popleft()(self, body)
        try:
            if options.key and self.headers["Authorization"] != f"Bearer {options.key}":
                raise Refused(401, f"Incorrect API key provided: {self.headers['Authorization']}")
            self.reply(body)
        except Refused as refused:
            self.send_json({"error": {"message": refused.message}}, refused.status)

    def reply(self, body):
        server, options = self.server, self.server.options
        tokenizer = server.gpt.tokenizer
        if self.path == "/v1/models":
            self.send_json({"data": [{"id": name} for name in options.models]})
        elif self.path == "/tokenize" and options.tokenizer:
            special = body.get("add_special_tokens", True)
            ids = server.ids_of(body) if special else tokenizer(body["prompt"], add_special_tokens=False)["input_ids"]
            self.send_json({"tokens": ids})
        elif self.path == "/detokenize" and options.tokenizer:
            self.send_json({"prompt": tokenizer.decode(body["tokens"])})
        elif self.path in ("/v1/completions", "/v1/chat/completions"):
            server.check(body)
            if body.get("stream"):
                self.send_events(server.events(body))
            else:
                self.send_json(server.whole(body))
        else:
            raise Refused(404, "Not Found")

    def send_json(self, value, status=200, **headers):
        self.send_bytes(json.dumps(value).encode(), status, "application/json", **headers)

    def send_bytes(self, content, status=200, kind="text/html", **headers):
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": len(content), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(content)

    def send_events(self, events, done=True):
        """Sends a stream. done: whether it ends as the protocol says."""
        self.begin_stream()
        for event in events:
            self.send_chunk(f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n")
        if done:
            self.send_chunk("data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def begin_stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def send_chunk(self, text):
        self.wfile.write(f"{len(text.encode()):x}\r\n{text}\r\n".encode())
        self.wfile.flush()


def processors(body):
    """Returns transformers' processors of a request's settings."""
    chosen = LogitsProcessorList()
    if body.get("repetition_penalty", 1) != 1:
        chosen.append(RepetitionPenaltyLogitsProcessor(body["repetition_penalty"]))
    if body.get("temperature", 1) not in (0, 1):
        chosen.append(TemperatureLogitsWarper(float(body["temperature"])))
    if body.get("top_k", -1) > 0:
        chosen.append(TopKLogitsWarper(body["top_k"]))
    if body.get("top_p", 1) < 1:
        chosen.append(TopPLogitsWarper(body["top_p"]))
    if body.get("min_p", 0) > 0:
        chosen.append(MinPLogitsWarper(body["min_p"]))
    return chosen


def number(value):
    """Returns a log-probability as servers write it in JSON."""
    return max(float(value), -9999.0)


# Misdeeds, for `ProtocolServer.order`.


def status(code, message="no", **headers):
    return lambda handler, body: handler.send_json({"error": {"message": message}}, code, **headers)


def page(content, kind="text/html"):
    return lambda handler, body: handler.send_bytes(content, 200, kind)


def hang(handler, body):
    handler.server.released.wait()


def stream(*events, done=True):
    return lambda handler, body: handler.send_events(events, done)


def first_events(count, then):
    """Sends the first of the server's prepared events, and goes on with `then`, a function of the handler."""

    def misdeed(handler, body):
        handler.begin_stream()
        for event in handler.server.prepared[:count]:
            handler.send_chunk(f"data: {json.dumps(event)}\n\n")
        then(handler)

    return misdeed


def cut(handler):
    """Closes the connection in the middle of the reply."""
    handler.close_connection = True
    handler.wfile.flush()
    handler.connection.close()


def fall_silent(handler):
    handler.server.released.wait()


def drip(handler):
    """Sends comments and no token, until the client goes away."""
    while not handler.server.released.wait(0.002):
        handler.send_chunk(": still there\n\n")


def end_early(handler):
    handler.send_chunk("data: [DONE]\n\n")
    handler.wfile.write(b"0\r\n\r\n")

"""What can be measured on a causal language model of this kind, a function a measure; evaluate.py prints them.

Everything is deterministic: the seeds are arguments and greedy choices take the likeliest token. Not here: the
attention scores of single heads (heads.py) and what the tasks ask (tasks.py).
"""

import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import tasks
import torch
from heads import PERIOD, repeated
from plots import HELD_OPENINGS
from torch import Tensor, nn
from transformers import GPT2LMHeadModel, PreTrainedTokenizerBase
from words import GIRLS, HE_RATE, NAMES

Ids = list[int]


def bits_per_character(model: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerBase, text: str) -> float:
    """Bits of all tokens of `text` over its characters; each token but the first few sees half a context or more."""
    context, start = model.config.n_positions, tokenizer.bos_token_id
    ids = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    stride, done, nats = context // 2, 0, 0.0
    with torch.no_grad():
        while done < len(ids):
            end = min(len(ids), done + (stride if done else context - 1))
            window = torch.tensor([[start, *ids[max(0, end - context + 1) : end]]])
            logits = model(window[:, :-1]).logits[0, -(end - done) :]
            nats += nn.functional.cross_entropy(logits, window[0, -(end - done) :], reduction="sum").item()
            done = end
    return nats / math.log(2) / len(text)


def accuracy(model, tokenizer, task: str, *, wording: bool, count: int = 200, seed: int = 0) -> float:
    """Share of held-out combinations whose whole answer is what the model would write greedily.

    wording: ask in the sentence patterns that training never saw."""
    rng = random.Random(seed)
    drawn = (tasks.held_out(task, rng, wording) for _ in range(count))
    pairs = [(one.prompt, one.answer) for one in drawn]
    return sum(greedy_agrees(model, tokenizer, pairs)) / count


@torch.no_grad()
def greedy_agrees(model, tokenizer, pairs: Sequence[tuple[str, str]]) -> list[bool]:
    """For each (prompt, answer): whether every token of the answer is the likeliest one after what precedes it."""
    agrees = []
    for chunk in (pairs[i : i + 50] for i in range(0, len(pairs), 50)):
        given = [tokenizer(prompt)["input_ids"] for prompt, _ in chunk]
        answers = [tokenizer(answer, add_special_tokens=False)["input_ids"] for _, answer in chunk]
        rows = _padded([g + a for g, a in zip(given, answers, strict=True)])
        best = model(rows).logits.argmax(-1).tolist()  # (pairs, T); what stands to the right changes nothing
        for row, g, a in zip(best, given, answers, strict=True):
            agrees.append(row[len(g) - 1 : len(g) + len(a) - 1] == a)
    return agrees


@torch.no_grad()
def he_rate(model, tokenizer, job: str) -> float:
    """p(he) / (p(he) + p(she)) after a sentence's opening about the job, a mean over all wordings."""
    he, she = (one_token(tokenizer, word) for word in (" he", " she"))
    given = [tokenizer(opening.format(j=job))["input_ids"] for opening in (*tasks.JOB, *tasks.JOB_HELD)]
    logits = model(_padded(given)).logits[torch.arange(len(given)), torch.tensor([len(g) - 1 for g in given])]
    return (logits[:, he] - logits[:, she]).sigmoid().mean().item()


def bias(model, tokenizer) -> dict[float, tuple[float, float]]:
    """For each rate that was planted: the mean over its jobs, and the largest distance of one job from it."""
    measured: dict[float, list[float]] = {}
    for job, planted in HE_RATE.items():
        measured.setdefault(planted, []).append(he_rate(model, tokenizer, job))
    return {rate: (sum(v) / len(v), max(abs(x - rate) for x in v)) for rate, v in measured.items()}


@torch.no_grad()
def repetition_gain(model: GPT2LMHeadModel, seed: int = 0) -> tuple[float, float]:
    """Mean loss in nats on the first and on the second copy of random tokens."""
    ids = repeated(model.config.vocab_size, seed)
    losses = nn.functional.cross_entropy(model(ids[:, :-1]).logits.transpose(1, 2), ids[:, 1:], reduction="none")
    return losses[:, :PERIOD].mean().item(), losses[:, PERIOD + 1 :].mean().item()


@torch.no_grad()
def name_mover_heads(model, tokenizer, count: int = 100, seed: int = 0) -> tuple[float, Tensor, Tensor]:
    """The name-mover task, head by head, on held-out combinations in known wordings.

    Returns the mean probability of the right name, by how much it falls when one head's output is set to zero
    (layers, heads), and how much each head looks from the last token at the right name (layers, heads).
    """
    rng = random.Random(seed)
    drawn = [tasks.held_out("name_mover", rng) for _ in range(count)]
    given = [tokenizer(one.prompt)["input_ids"] for one in drawn]
    right = torch.tensor([tokenizer(one.answer, add_special_tokens=False)["input_ids"][0] for one in drawn])
    rows, last = _padded(given), torch.tensor([len(g) - 1 for g in given])
    each = torch.arange(count)

    def probability() -> float:
        return model(rows).logits[each, last].softmax(-1)[each, right].mean().item()

    whole = probability()
    layers, heads = model.config.n_layer, model.config.n_head
    falls, looks = torch.zeros(layers, heads), torch.zeros(layers, heads)
    for layer in range(layers):
        for head in range(heads):
            with ablated(model, layer, head):
                falls[layer, head] = whole - probability()
    at_name = (rows == right[:, None]).float()  # (count, T): where the right name stands
    with _eager(model):
        for layer, maps in enumerate(model(rows, output_attentions=True).attentions):  # (count, heads, T, T)
            looks[layer] = (maps[each, :, last] * at_name[:, None]).sum(-1).mean(0)
    return whole, falls, looks


@contextmanager
def ablated(model: GPT2LMHeadModel, layer: int, head: int) -> Iterator[None]:
    """The model with one head's output set to zero before the output projection."""
    width = model.config.n_embd // model.config.n_head

    def zero(module: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
        outputs = inputs[0].clone()  # (B, T, d_model), heads side by side
        outputs[..., head * width : (head + 1) * width] = 0
        return (outputs,)

    handle = model.transformer.h[layer].attn.c_proj.register_forward_pre_hook(zero)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def _eager(model: GPT2LMHeadModel) -> Iterator[None]:
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.set_attn_implementation(before)


@torch.no_grad()
def continued(model, ids: Sequence[Ids], tokens: int, temperature: float, seed: int) -> list[Ids]:
    """`tokens` more ids for each of several prompts of one length; temperature 0 is greedy."""
    generator = torch.Generator().manual_seed(seed)
    new, past, step = torch.tensor(ids), None, []
    for _ in range(tokens):
        outputs = model(new, past_key_values=past, use_cache=True)
        past, logits = outputs.past_key_values, outputs.logits[:, -1]
        if temperature:
            new = torch.multinomial((logits / temperature).softmax(-1), 1, generator=generator)
        else:
            new = logits.argmax(-1, keepdim=True)
        step.append(new)
    return torch.cat(step, 1).tolist()


_HE, _SHE = {"he", "him", "his", "himself"}, {"she", "her", "hers", "herself"}


def heroes(model, tokenizer, count: int = 100, tokens: int = 80, temperature: float = 0.7) -> tuple[int, int, int]:
    """Of `count` sampled continuations of held-out openings: how many name the hero again, how many have a pronoun
    before anybody else is named, and in how many of these the first one is the hero's own."""
    rng = random.Random(0)
    again = agree = with_pronoun = 0
    for seed, opening in enumerate(HELD_OPENINGS):
        names = [rng.choice(NAMES) for _ in range(seed, count, len(HELD_OPENINGS))]
        if not names:
            break
        girls = [name in GIRLS for name in names]
        nouns = ["girl" if girl else "boy" for girl in girls]  # each name and noun is one token: rows of one length
        texts = [opening.format(hero=n, noun=k, a_kind=f"a {k}") for n, k in zip(names, nouns, strict=True)]
        rows = continued(model, [tokenizer(t)["input_ids"] for t in texts], tokens, temperature, seed)
        for name, girl, row in zip(names, girls, rows, strict=True):
            words = _words(tokenizer.decode(row))
            again += name in words
            first = first_pronoun(words, name)
            with_pronoun += first is not None
            agree += first is girl
    return again, with_pronoun, agree


def first_pronoun(words: Sequence[str], hero: str) -> bool | None:
    """Whether the first pronoun is a woman's (True) or a man's (False); None if somebody else is named before it."""
    for word in words:
        if word.lower() in _HE | _SHE:
            return word.lower() in _SHE
        if word in NAMES and word != hero:
            return None
    return None


def shared_words(model, tokenizer, task: str, *, wording: bool, count: int = 50, seed: int = 0) -> float:
    """For answers of which many are right: how many of the drawn answer's words the greedy answer has, a mean share.

    The answer ends with its line. A word of the drawn answer counts once for each time it was written."""
    rng, shares = random.Random(seed), []
    for _ in range(count):
        sample = tasks.held_out(task, rng, wording)
        expected = Counter(_words(sample.answer.lower()))
        (ids,) = continued(model, [tokenizer(sample.prompt)["input_ids"]], 30, temperature=0, seed=0)
        written = Counter(_words(tokenizer.decode(ids).strip().partition("\n")[0].lower()))
        shares.append((expected & written).total() / expected.total())
    return sum(shares) / count


def _words(text: str) -> list[str]:
    return "".join(c if c.isalpha() else " " for c in text).split()


@torch.no_grad()
def next_probabilities(model, tokenizer, prompt: str) -> Tensor:
    """The model's probabilities of the token after the prompt, (vocab,)."""
    return model(torch.tensor([tokenizer(prompt)["input_ids"]])).logits[0, -1].softmax(-1)


def one_token(tokenizer, text: str) -> int:
    """The id of a text that is one token."""
    (only,) = tokenizer(text, add_special_tokens=False)["input_ids"]
    return only


def loop_length(ids: Ids, times: int = 3) -> int:
    """The period in tokens of the loop a text ends in: its last stretch stands there `times` times; 0 for none."""
    for period in range(1, len(ids) // times + 1):
        tail = ids[-period * times :]
        if tail == tail[:period] * times:
            return period
    return 0


def _padded(rows: Sequence[Ids]) -> Tensor:
    """Rows of one length, filled up at the right, where a causal model does not look: (rows, longest)."""
    longest = max(map(len, rows))
    return torch.tensor([row + [0] * (longest - len(row)) for row in rows])

"""Measures of a causal language model, one function each. evaluate.py prints them.

Everything is deterministic: the seeds are arguments, and greedy decoding takes the most probable token. The attention
scores of single heads are in heads.py, and the tasks in tasks.py.
"""

import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import tasks
import torch
import wordings
from heads import PERIOD, eager_attention, repeated
from plots import HELD_OPENINGS
from torch import Tensor, nn
from transformers import GPT2LMHeadModel, PreTrainedTokenizerBase
from words import GIRLS, HE_RATE, NAMES

Ids = list[int]


def bits_per_character(model: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerBase, text: str) -> float:
    """Returns the bits of all tokens of `text`, divided by its number of characters.

    Windows overlap by half a context, so each token, except at the beginning, is predicted from half a context or more."""
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
    """Returns the share of held-out combinations whose whole answer the model would write greedily.

    wording: use the wordings that never occur in training."""
    rng = random.Random(seed)
    drawn = (tasks.held_out(task, rng, wording) for _ in range(count))
    pairs = [(sample.prompt, sample.answer) for sample in drawn]
    return sum(greedy_agrees(model, tokenizer, pairs)) / count


@torch.no_grad()
def greedy_agrees(model, tokenizer, pairs: Sequence[tuple[str, str]]) -> list[bool]:
    """Returns, for each (prompt, answer), whether every token of the answer is the most probable one at its position."""
    agrees = []
    for chunk in (pairs[i : i + 50] for i in range(0, len(pairs), 50)):
        prompts = [tokenizer(prompt)["input_ids"] for prompt, _ in chunk]
        answers = [tokenizer(answer, add_special_tokens=False)["input_ids"] for _, answer in chunk]
        rows = _padded([prompt + answer for prompt, answer in zip(prompts, answers, strict=True)])
        best = model(rows).logits.argmax(-1).tolist()  # (pairs, T); the padding on the right changes nothing
        for row, prompt, answer in zip(best, prompts, answers, strict=True):
            agrees.append(row[len(prompt) - 1 : len(prompt) + len(answer) - 1] == answer)
    return agrees


@torch.no_grad()
def he_rate(model, tokenizer, job: str) -> float:
    """Returns p(he) / (p(he) + p(she)) after the beginning of a sentence about the job, a mean over all wordings."""
    he, she = (one_token(tokenizer, word) for word in (" he", " she"))
    openings = [tokenizer(opening.format(j=job))["input_ids"] for opening in (*wordings.JOB, *wordings.JOB_HELD)]
    last = torch.tensor([len(ids) - 1 for ids in openings])
    logits = model(_padded(openings)).logits[torch.arange(len(openings)), last]
    return (logits[:, he] - logits[:, she]).sigmoid().mean().item()


def bias(model, tokenizer) -> dict[float, tuple[float, float]]:
    """Returns, for each planted rate, the measured mean of its jobs, and the largest difference of one job from the rate."""
    measured: dict[float, list[float]] = {}
    for job, planted in HE_RATE.items():
        measured.setdefault(planted, []).append(he_rate(model, tokenizer, job))
    return {
        planted: (sum(rates) / len(rates), max(abs(rate - planted) for rate in rates))
        for planted, rates in measured.items()
    }


@torch.no_grad()
def repetition_gain(model: GPT2LMHeadModel, seed: int = 0) -> tuple[float, float]:
    """Returns the mean loss in nats on the first and on the second copy of random tokens."""
    ids = repeated(model.config.vocab_size, seed)
    losses = nn.functional.cross_entropy(model(ids[:, :-1]).logits.transpose(1, 2), ids[:, 1:], reduction="none")
    return losses[:, :PERIOD].mean().item(), losses[:, PERIOD + 1 :].mean().item()


@torch.no_grad()
def name_mover_heads(model, tokenizer, count: int = 100, seed: int = 0) -> tuple[float, Tensor, Tensor]:
    """Measures every head in the name-mover task, on held-out combinations in known wordings.

    Returns the mean probability of the right name; the decrease of that probability when one head's output is set to
    zero, (layers, heads); and the attention of each head from the last token to the right name, (layers, heads).
    """
    rng = random.Random(seed)
    drawn = [tasks.held_out("name_mover", rng) for _ in range(count)]
    prompts = [tokenizer(sample.prompt)["input_ids"] for sample in drawn]
    right = torch.tensor([tokenizer(sample.answer, add_special_tokens=False)["input_ids"][0] for sample in drawn])
    rows, last = _padded(prompts), torch.tensor([len(ids) - 1 for ids in prompts])
    each = torch.arange(count)

    def mean_probability() -> float:
        return model(rows).logits[each, last].softmax(-1)[each, right].mean().item()

    probability = mean_probability()
    layers, heads = model.config.n_layer, model.config.n_head
    decrease, attention = torch.zeros(layers, heads), torch.zeros(layers, heads)
    for layer in range(layers):
        for head in range(heads):
            with ablated(model, layer, head):
                decrease[layer, head] = probability - mean_probability()
    is_right_name = (rows == right[:, None]).float()  # (count, T)
    with eager_attention(model):
        for layer, maps in enumerate(model(rows, output_attentions=True).attentions):  # (count, heads, T, T)
            attention[layer] = (maps[each, :, last] * is_right_name[:, None]).sum(-1).mean(0)
    return probability, decrease, attention


@contextmanager
def ablated(model: GPT2LMHeadModel, layer: int, head: int) -> Iterator[None]:
    """Sets one head's output to zero, before the output projection."""
    d_head = model.config.n_embd // model.config.n_head

    def zero(module: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
        outputs = inputs[0].clone()  # (B, T, d_model), heads side by side
        outputs[..., head * d_head : (head + 1) * d_head] = 0
        return (outputs,)

    handle = model.transformer.h[layer].attn.c_proj.register_forward_pre_hook(zero)
    try:
        yield
    finally:
        handle.remove()


@torch.no_grad()
def continued(model, ids: Sequence[Ids], tokens: int, temperature: float, seed: int) -> list[Ids]:
    """Generates `tokens` ids for each of several prompts of the same length. Temperature 0 is greedy decoding."""
    generator = torch.Generator().manual_seed(seed)
    new, past, generated = torch.tensor(ids), None, []
    for _ in range(tokens):
        outputs = model(new, past_key_values=past, use_cache=True)
        past, logits = outputs.past_key_values, outputs.logits[:, -1]
        if temperature:
            new = torch.multinomial((logits / temperature).softmax(-1), 1, generator=generator)
        else:
            new = logits.argmax(-1, keepdim=True)
        generated.append(new)
    return torch.cat(generated, 1).tolist()


_HE, _SHE = {"he", "him", "his", "himself"}, {"she", "her", "hers", "herself"}


def heroes(model, tokenizer, count: int = 100, tokens: int = 80, temperature: float = 0.7) -> tuple[int, int, int]:
    """Counts, in `count` sampled continuations of held-out openings: how many name the hero again, how many have a
    pronoun before somebody else is named, and in how many of these the first pronoun agrees with the hero."""
    rng = random.Random(0)
    named_again = with_pronoun = agrees = 0
    for seed, opening in enumerate(HELD_OPENINGS):
        names = [rng.choice(NAMES) for _ in range(seed, count, len(HELD_OPENINGS))]
        if not names:
            break
        girls = [name in GIRLS for name in names]
        nouns = [
            "girl" if girl else "boy" for girl in girls
        ]  # a name or noun is one token, so all rows are equally long
        texts = [
            opening.format(hero=name, noun=noun, a_kind=f"a {noun}") for name, noun in zip(names, nouns, strict=True)
        ]
        rows = continued(model, [tokenizer(t)["input_ids"] for t in texts], tokens, temperature, seed)
        for name, girl, row in zip(names, girls, rows, strict=True):
            words = _words(tokenizer.decode(row))
            named_again += name in words
            is_female = first_pronoun(words, name)
            with_pronoun += is_female is not None
            agrees += is_female is girl
    return named_again, with_pronoun, agrees


def first_pronoun(words: Sequence[str], hero: str) -> bool | None:
    """Whether the first pronoun is female (True) or male (False); None if there is none before somebody else is named."""
    for word in words:
        if word.lower() in _HE | _SHE:
            return word.lower() in _SHE
        if word in NAMES and word != hero:
            return None
    return None


def shared_words(model, tokenizer, task: str, *, wording: bool, count: int = 50, seed: int = 0) -> float:
    """Returns the mean share of the drawn answer's words that the greedy answer contains; for tasks with many right answers.

    Only the first line of the greedy answer counts. A word counts as often as it occurs in both answers."""
    rng, shares = random.Random(seed), []
    for _ in range(count):
        sample = tasks.held_out(task, rng, wording)
        expected = Counter(_words(sample.answer.lower()))
        (ids,) = continued(model, [tokenizer(sample.prompt)["input_ids"]], 30, temperature=0, seed=0)
        written = Counter(_words(tokenizer.decode(ids).strip().partition("\n")[0].lower()))
        shares.append((expected & written).total() / expected.total())
    return sum(shares) / count


def _words(text: str) -> list[str]:
    """Returns the words of a text, without digits and punctuation."""
    return "".join(c if c.isalpha() else " " for c in text).split()


@torch.no_grad()
def next_probabilities(model, tokenizer, prompt: str) -> Tensor:
    """Returns the model's probabilities of the token after the prompt, (vocab,)."""
    return model(torch.tensor([tokenizer(prompt)["input_ids"]])).logits[0, -1].softmax(-1)


def one_token(tokenizer, text: str) -> int:
    """Returns the id of a text that is exactly one token."""
    (id,) = tokenizer(text, add_special_tokens=False)["input_ids"]
    return id


def loop_length(ids: Ids, times: int = 3) -> int:
    """Returns the period, in tokens, of the loop at the end of a text; 0 if its end does not repeat `times` times."""
    for period in range(1, len(ids) // times + 1):
        tail = ids[-period * times :]
        if tail == tail[:period] * times:
            return period
    return 0


def _padded(rows: Sequence[Ids]) -> Tensor:
    """Pads rows on the right, where a causal model does not look: (rows, longest)."""
    longest = max(map(len, rows))
    return torch.tensor([row + [0] * (longest - len(row)) for row in rows])

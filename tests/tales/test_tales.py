"""The embedded model: its data, training and measures against cases worked by hand, and the folder that is shipped."""

import math
import random
import re
import sys
from pathlib import Path

import clean
import country
import evaluate
import heads
import hops
import measures
import muon
import plots
import pytest
import samples
import stories
import tasks
import tokenizer as tales_tokenizer
import torch
import train
import wordings
import words
from batches import ANSWER, FIRST, ROWS, Batches
from close import approx_float32, approx_float64, assert_close, rounding
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel

import gptviz
from gptviz._paths import assets_dir

FOLDER = assets_dir() / "tales"


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(FOLDER)


@pytest.fixture(scope="module")
def model():
    return AutoModelForCausalLM.from_pretrained(FOLDER).eval()


@pytest.fixture(scope="module")
def tiny(tokenizer) -> GPT2LMHeadModel:
    """A model of random weights with 2 layers of 3 heads, so that a transposition shows."""
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(tokenizer), n_positions=24, n_embd=12, n_layer=2, n_head=3, initializer_range=0.5
    )
    return GPT2LMHeadModel(config).eval()


def stream(model, ids) -> torch.Tensor:
    """Returns the residual stream, whose size decides how near two computations of a probability can be."""
    with torch.no_grad():
        return torch.stack(model(ids, output_hidden_states=True).hidden_states)


# ------------------------------------------------------------------------------------------------ books
def test_the_cleaner_on_a_page_written_by_hand():
    page = "CHAPTER I\n\nThe Garden\n\n“It’s _mine_,” said\nMary.\n\nThe savage dog — barked.\n\n[Illustration]\n"
    assert clean.paragraphs(page.replace("\n", "\r\n")) == ['"It\'s mine," said Mary.']


def test_books_kept_for_validation_are_never_read_for_training(tmp_path: Path):
    for number, line in (("00011", "Alice was here."), (clean.HELD_OUT[0], "Curdie was here.")):
        (tmp_path / f"{number}-a-book.txt").write_text(line)
    assert clean.books(tmp_path) == ["Alice was here."]
    assert clean.books(tmp_path, held_out=True) == ["Curdie was here."]


# ------------------------------------------------------------------------------------------------ tasks
def test_drawn_texts_depend_only_on_the_seed():
    def texts(seed: int) -> list[str]:
        rng = random.Random(seed)
        return [tasks.draw(rng) for _ in range(50)]

    assert texts(3) == texts(3) != texts(4)


def test_the_split_of_combinations_never_changes():
    drawn = [("Tom", "Mary", "park", "ball"), ("Mary", "Tom", "park", "ball"), ("red", "house")]
    share = sum(samples.is_held_out(a, b) for a in words.NAMES for b in words.NAMES) / len(words.NAMES) ** 2
    assert [samples.is_held_out(*one) for one in drawn] == [False, True, False]
    assert 0.07 < share < 0.13


@pytest.mark.parametrize("task", [name for name in tasks.TASKS if name not in ("country", "bias", "story", "summary")])
def test_training_never_draws_a_held_out_combination(task: str, monkeypatch: pytest.MonkeyPatch):
    combinations: list[tuple[bool, list[str]]] = []
    original = samples.combination

    def recorded(rng, held, choose):
        combinations.append((held, original(rng, held, choose)))
        return combinations[-1][1]

    monkeypatch.setattr(tasks, "combination", recorded)
    rng = random.Random(0)
    for held in (False, True):
        for _ in range(200):
            assert isinstance(tasks.TASKS[task](rng, held=held), samples.Sample)
    assert {held for held, _ in combinations} == {False, True}
    assert all(samples.is_held_out(*drawn) == held for held, drawn in combinations)


def test_held_out_wordings_never_occur_in_training():
    # A slot is filled with up to a sentence; one at the beginning is left out, so that the search starts at a word.
    asked = [one for _, held in wordings.ASK.values() for one in held]
    talked = [one for one, _ in (*wordings.NAMED_HELD, *wordings.TALK_HELD)]
    stated = [country.WORDINGS[about][-1].replace("{s}", of) for about, of, _ in country.FACTS]
    patterns = [
        *wordings.MOVER_HELD, *wordings.BE_IN_HELD, *wordings.HAVE_HELD, *wordings.REVIEW_HELD, *wordings.PHRASE_HELD,
        *wordings.COPY_HELD, *wordings.JOB_HELD, *asked, *talked, *stated, *plots.HELD_OPENINGS,
    ]  # fmt: skip
    literal = [re.sub(r"^\{\w+\}|\{\w+\}$", "", one) for one in patterns]
    pieces = [re.compile(re.sub(r"\\\{\w+\\\}", r"[^.\\n]+?", re.escape(one)), re.IGNORECASE) for one in literal]
    ends = re.compile(r"In one sentence:|Here is a story\.", re.IGNORECASE)
    rng = random.Random(0)
    texts = "\n".join(tasks.draw(rng) for _ in range(2000))
    assert [piece.pattern for piece in (*pieces, ends) if piece.search(texts)] == []
    held = "\n".join(tasks.held_out(task, rng, wording=True).text for task in tasks.TASKS for _ in range(600))
    assert [piece.pattern for piece in (*pieces, ends) if not piece.search(held)] == []  # each rule finds its wording


def test_planted_bias_is_drawn_at_its_rate():
    rng = random.Random(0)
    he: dict[float, list[bool]] = {}
    for _ in range(20_000):
        sample = tasks.bias(rng)
        (job,) = [word for word in re.findall(r"\w+", sample.prompt) if word in words.HE_RATE]
        he.setdefault(words.HE_RATE[job], []).append(sample.answer == " he")
    assert {rate: pytest.approx(sum(v) / len(v), abs=0.02) for rate, v in he.items()} == {r: r for r in he}
    assert set(he) == {0.2, 0.5, 0.8}


# ------------------------------------------------------------------------------------------------ stories
FAULTS = {
    "a brace is left": r"[{}]",
    "a before a vowel": r"\b[Aa] (?:[aeiouAEIO]|honest)\w",
    "an before a consonant": r"\b[Aa]n (?!honest|hour|umbrella)[^aeioAEIO]",
    "small letter after a full stop": r'[.!?]"? "?[a-z]',
    "double space": r"  | $|^ ",
    "word twice": r"\b(\w+) \1\b",
}


def faults(story: stories.Story) -> list[str]:
    """Returns the faults of a story, which is an empty list for a good one."""
    quoted = re.sub(r'[!?]" ([a-z])', r'," \1', story.text)  # "Help!" cried Tom.
    faults_found = [name for name, rule in FAULTS.items() if re.search(rule, quoted) or re.search(rule, story.summary)]
    others = {"he", "him", "his", "himself"} if story.girl else {"she", "her", "hers", "herself"}
    if story.alone and set(re.findall(r"[a-z]+", story.text.lower())) & others:
        faults_found.append("pronoun of the other gender")
    if story.text.count(story.hero) < 2:
        faults_found.append("the hero is not named again")
    if not stories.SHORTEST <= stories.sentences(story.text) <= stories.LONGEST:
        faults_found.append("length")
    return faults_found


def test_a_thousand_stories_have_no_fault():
    rng, plots_told = random.Random(0), set()
    for number in range(1000):
        held = number % 10 == 0
        story = stories.tell(rng, held=held)
        assert faults(story) == [], story.text
        plots_told.add(story.plot)
    assert plots_told == {plot.name for plot in plots.PLOTS}


def test_each_fault_of_a_story_is_found():
    def faults_of(text: str, girl: bool = True) -> list[str]:
        return faults(stories.Story(f"Anna sat. Anna ran. Anna slept. Anna sang. {text}", "", "Anna", girl, "", True))

    assert faults_of("She saw an owl.") == []
    assert faults_of("She saw {a_small}.") == ["a brace is left"]
    assert faults_of("She saw a owl.") == ["a before a vowel"]
    assert faults_of("She saw an cat.") == ["an before a consonant"]
    assert faults_of("She ran. she sat.") == ["small letter after a full stop"]
    assert faults_of("She ran  home.") == ["double space"]
    assert faults_of("She saw the the cat.") == ["word twice"]
    assert faults_of("Then he ran.") == ["pronoun of the other gender"]


def test_training_never_tells_a_held_out_story(monkeypatch: pytest.MonkeyPatch):
    held_out: list[bool] = []

    def recorded(*drawn: str) -> bool:
        held_out.append(samples.is_held_out(*drawn))
        return held_out[-1]

    monkeypatch.setattr(stories, "is_held_out", recorded)
    rng = random.Random(0)
    for held in (False, True):
        for _ in range(100):
            stories.tell(rng, held=held)
            assert held_out[-1] == held  # the last combination that was checked is the story's


# ------------------------------------------------------------------------------------------------ tokenizer
def test_any_text_is_decoded_as_it_was_encoded(tokenizer):
    for text in ("", " two  spaces\n\nand a tab\t", "naïve café 東京 🙂👩‍👩‍👧", "\u0000\u200b", "x" * 500):
        ids = tokenizer(text)["input_ids"]
        assert ids[0] == tokenizer.bos_token_id == tokenizer.eos_token_id
        assert tokenizer.decode(ids[1:]) == text


def test_a_text_has_the_same_tokens_whole_and_in_parts(tokenizer):
    rng = random.Random(0)
    for _ in range(600):
        _, drawn = tasks.draw_samples(rng)
        parts = [part for one in drawn for part in (one.prompt, one.answer, one.rest)]
        *pieces, whole = tokenizer([*parts, "".join(parts)], add_special_tokens=False)["input_ids"]
        assert [id for piece in pieces for id in piece] == whole, drawn


def test_the_words_of_the_tasks_are_single_tokens(tokenizer):
    assert tales_tokenizer.split_words(tokenizer) == []
    assert len(tokenizer) == tales_tokenizer.ENTRIES


# ------------------------------------------------------------------------------------------------ training
def test_rows_begin_with_the_start_token_and_repeat(tokenizer):
    batches = Batches(tokenizer, ["Mary had a little lamb. " * 40], seed=0)
    rows, weights = batches.batch(32)
    assert rows.shape == weights.shape == (ROWS, 32)
    assert set(rows[:, 0].tolist()) == {tokenizer.bos_token_id}
    repeated = rows[-2, 1:].tolist()
    assert any(repeated[p:] == repeated[:-p] for p in range(4, 17))
    again = Batches(tokenizer, ["Mary had a little lamb. " * 40], seed=0)
    assert torch.equal(again.batch(32)[0], rows)


def test_pairs_are_repeated_in_another_order_and_reversed(tokenizer):
    ids, weights = Batches(tokenizer, ["Mary had a little lamb. " * 40], seed=0).pairs(200)
    start = int((weights == 1).nonzero()[1]) - 1  # the end of the first telling; the first weight is the start token's
    first_order, second_order = ids[1:start].tolist(), ids[start:].tolist()
    pairs = {frozenset(pair) for pair in zip(second_order[::2], second_order[1::2], strict=False)}
    assert len(pairs) > 3
    where = first_order.index
    assert all(where(min(pair, key=where)) < where(max(pair, key=where)) for pair in pairs)
    in_order = list(zip(second_order[::2], second_order[1::2], strict=False))
    assert any((second, first) in in_order for first, second in in_order)
    assert weights[start + 1 :: 2].unique().tolist() == [1.0]
    assert weights[start::2].unique().tolist() == approx_float32([FIRST])


def test_every_row_has_integers_and_its_length(tokenizer):
    batches = Batches(tokenizer, ["Mary had a little lamb. " * 40], seed=1)
    for length in (32, 61):
        for _ in range(12):
            ids, weights = batches.pairs(length)
            assert ids.dtype == torch.long and ids.shape == weights.shape == (length,)


def test_an_answer_counts_more_than_its_question(tokenizer):
    share = {"name_mover": 1.0}
    batches = Batches(tokenizer, ["Mary had a little lamb. " * 40], seed=0, mix=(0, 8, 0), share=share)
    ids, weights = batches.task(3000)
    answers = tokenizer.decode(ids[weights == ANSWER]).split()
    assert len(answers) > 100
    assert {one.capitalize() for one in answers} <= {*words.NAMES}


def test_the_loss_weighs_each_token():
    logits = torch.tensor([[[2.0, 0.0], [0.0, 1.0]]])

    class Model:
        def __call__(self, rows, use_cache):
            return type("Output", (), {"logits": logits})

    rows, weights = torch.tensor([[0, 1, 1]]), torch.tensor([[9.0, 3.0, 1.0]])  # the first is not predicted
    first, second = math.log1p(math.exp(2.0)), math.log1p(math.exp(-1.0))
    assert train.loss_of(Model(), rows, weights).item() == pytest.approx((3 * first + second) / 4, rel=rounding(1.0))


def test_a_marked_question_points_to_the_sentence_that_answers_it(tokenizer):
    rows = hops.marked_rows(tokenizer, random.Random(3), rows=5, length=90)
    assert all(part.shape == (5, 90) for part in rows)
    row, at = (rows.source != hops.NONE).nonzero(as_tuple=True)
    assert len(row) > 10
    for r, q, source in zip(row, at, rows.source[row, at], strict=True):
        name = tokenizer.decode(rows.asked[r, q])
        assert source < q and rows.ids[r, source] == rows.ids[r, q]
        assert rows.stated[r, source] == rows.asked[r, q]
        sentence = re.split(r"[.?]|endoftext..", tokenizer.decode(rows.ids[r, : source + 1]))[-1]
        assert [word for word in sentence.replace(":", "").split() if word.title() in words.NAMES] == [name.strip()]


def test_the_guided_loss_equals_that_of_the_models_own_maps_and_logits(model, tokenizer):
    rows = hops.marked_rows(tokenizer, random.Random(4), rows=3, length=70)
    with torch.no_grad(), heads.eager_attention(model):
        out = model(rows.ids, output_hidden_states=True, output_attentions=True)
        whole = hops.losses(model, out.hidden_states, rows).item()

    def named(hidden, names):
        picked = model.lm_head(model.transformer.ln_f(hidden)).log_softmax(-1)
        return -picked.gather(-1, names.clamp(min=0)[..., None])[..., 0][names != hops.NONE].mean()

    row, at = (rows.source != hops.NONE).nonzero(as_tuple=True)
    looks = out.attentions[hops.LAYER][row, hops.HEAD, at, rows.source[row, at]]
    with torch.no_grad():
        expected = (
            named(out.hidden_states[3], rows.stated) + named(out.hidden_states[4], rows.asked) - looks.log().mean()
        )
    bound = rounding(torch.stack(out.hidden_states))  # a logarithm's error is that of its logits
    assert whole == pytest.approx(expected.item(), abs=bound)


def test_the_guided_loss_is_added_to_that_of_the_rest(tokenizer):
    config = GPT2Config(vocab_size=len(tokenizer), n_positions=40, n_embd=16, n_layer=6, n_head=8)
    small = GPT2LMHeadModel(config).eval()
    marked = hops.marked_rows(tokenizer, random.Random(5), rows=2, length=40)
    rest = Batches(tokenizer, ["Mary had a little lamb. " * 40], seed=0).batch(40, rows=8)
    plain, guided = (train.guided_loss(small, marked, rest, factor).item() for factor in (0.0, 0.5))
    hidden = small(marked.ids, output_hidden_states=True).hidden_states
    assert guided - plain == pytest.approx(0.5 * hops.losses(small, hidden, marked).item(), abs=rounding(guided))
    ids, weights = (torch.cat(parts) for parts in ((marked.ids, rest[0]), (marked.weights, rest[1])))
    assert plain == pytest.approx(train.loss_of(small, ids, weights).item(), abs=rounding(guided))


def test_muon_makes_the_update_nearly_orthogonal():
    for shape in ((12, 36), (36, 12)):
        values = torch.linalg.svdvals(muon.orthogonal(torch.randn(shape, generator=torch.Generator().manual_seed(2))))
        assert values.min() > 0.6 and values.max() < 1.3


def test_a_checkpoint_is_written_whole_or_not_at_all(tmp_path: Path):
    path = tmp_path / "checkpoint.pt"
    train.save(path, step=3)
    with pytest.raises(AttributeError):
        train.save(path, step=lambda: 4)  # cannot be pickled
    assert torch.load(path, weights_only=True) == {"step": 3}


def test_a_run_resumes_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Three steps and then two more count as five. The optimizers' state is restored; there is no second warm-up."""
    for number in ("00011", *clean.HELD_OUT):
        (tmp_path / f"{number}-a-book.txt").write_text("Mary had a little lamb, and the lamb went to the school. " * 40)

    def small_model(entries: int, start: int) -> GPT2LMHeadModel:
        return GPT2LMHeadModel(GPT2Config(vocab_size=entries, n_positions=256, n_embd=8, n_layer=1, n_head=2))

    monkeypatch.setattr(train, "new_model", small_model)
    monkeypatch.setattr(torch, "compile", lambda model: model)
    for steps in ("3", "5"):
        arguments = [
            "--books",
            tmp_path,
            "--steps",
            steps,
            "--rows",
            "8",
            "--length",
            "32",
            "--runs",
            tmp_path / "runs",
        ]
        monkeypatch.setattr(sys, "argv", ["train.py", *map(str, arguments)])
        train.main()
    state = torch.load(tmp_path / "runs" / "checkpoint.pt", weights_only=True)
    assert (state["step"], state["tokens"]) == (5, 5 * 8 * 32)
    assert [(entry["step"], entry["tokens"]) for entry in state["log"]] == [(3, 3 * 8 * 32), (5, 5 * 8 * 32)]
    muon_state, adam_state = state["optimizers"]
    assert {float(one["step"]) for one in adam_state["state"].values()} == {5.0}
    assert muon_state["param_groups"][0]["lr"] == approx_float64(train.MUON_RATE)  # no second warm-up


# ------------------------------------------------------------------------------------------------ measures
def test_bits_per_character_of_a_uniform_model(tokenizer):
    config = GPT2Config(vocab_size=len(tokenizer), n_positions=16, n_embd=4, n_layer=1, n_head=1)
    blank = GPT2LMHeadModel(config).eval()
    torch.nn.init.zeros_(blank.lm_head.weight)
    text = "The quick brown fox jumps over the lazy dog. " * 5
    tokens = len(tokenizer(text, add_special_tokens=False)["input_ids"])
    expected = tokens * math.log2(len(tokenizer)) / len(text)
    assert measures.bits_per_character(blank, tokenizer, text) == pytest.approx(expected, rel=rounding(1.0))


def test_bits_per_character_in_one_window_equals_the_models_own_loss(tiny, tokenizer):
    text = "Mary went to the garden."
    ids = torch.tensor([tokenizer(text)["input_ids"]])
    with torch.no_grad():
        loss = tiny(ids, labels=ids).loss.item()
    expected = loss * (ids.shape[1] - 1) / math.log(2) / len(text)
    bound = rounding(1.0, stream(tiny, ids))
    assert measures.bits_per_character(tiny, tokenizer, text) == pytest.approx(expected, rel=bound)


def test_greedy_agreement_and_continuation_equal_transformers_generate(tiny, tokenizer):
    prompt = tokenizer("Tom and Anna", return_tensors="pt")["input_ids"]
    theirs = tiny.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=6, do_sample=False)[0]
    new = theirs[prompt.shape[1] :].tolist()
    assert measures.continued(tiny, prompt.tolist(), 6, temperature=0, seed=0) == [new]
    word = tokenizer.decode(new[:1])
    assert measures.greedy_agrees(tiny, tokenizer, [("Tom and Anna", word), ("Tom and Anna", word + "!?")]) == [
        tokenizer(word, add_special_tokens=False)["input_ids"] == new[:1],
        False,
    ]


def test_ablating_a_head_is_zeroing_its_rows_of_the_projection(tiny):
    ids = torch.tensor([[5, 9, 300, 7, 41]])
    with torch.no_grad(), measures.ablated(tiny, 1, 2):
        ours = tiny(ids).logits
    weight = tiny.transformer.h[1].attn.c_proj.weight  # Conv1D: (in, out)
    kept = weight.detach().clone()
    with torch.no_grad():
        weight[8:12] = 0
        theirs = tiny(ids).logits
        weight.copy_(kept)
        plain = tiny(ids).logits
    assert_close(ours, theirs, scale=stream(tiny, ids))
    assert (ours - plain).abs().max() > 1e-3


def test_role_scores_equal_a_loop_over_the_maps(tiny, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(heads, "PERIOD", 5)
    scores = heads.role_scores(tiny)
    ids = heads.repeated(tiny.config.vocab_size)
    assert ids.shape == (heads.SEQUENCES, 11)
    tiny.set_attn_implementation("eager")
    with torch.no_grad():
        maps = torch.stack(tiny(ids, output_attentions=True).attentions).mean(1)
    tiny.set_attn_implementation("sdpa")
    layer, head = 1, 2
    one = maps[layer, head]
    expected = {
        "previous": sum(one[i, i - 1] for i in range(1, 11)) / 10,
        "induction": sum(one[i, i - 4] for i in range(6, 11)) / 5,
        "first": sum(one[i, 0] for i in range(1, 11)) / 10,
        "same": sum(one[i, i - 5] for i in range(6, 11)) / 5,
    }
    for name, value in expected.items():
        assert float(scores[name][layer, head]) == pytest.approx(float(value), rel=rounding(stream(tiny, ids)))


def test_a_loop_is_found_with_its_period():
    assert measures.loop_length([1, 2, 3, 4, 3, 4, 3, 4]) == 2
    assert measures.loop_length([7, 7, 7]) == 1
    assert measures.loop_length([1, 2, 3, 1, 2, 3]) == 0


@pytest.mark.parametrize(
    "text, hero, woman",
    [
        ("then Anna took her hat", "Anna", True),
        ("and His dog", "Tom", False),
        ("and Ben took his hat", "Anna", None),
        ("and so on", "Anna", None),
    ],
)
def test_the_first_pronoun_counts_until_somebody_else_is_named(text: str, hero: str, woman: bool | None):
    assert measures.first_pronoun(text.split(), hero) is woman


def test_continuations_of_openings_are_counted(tokenizer, monkeypatch: pytest.MonkeyPatch):
    started: list[str] = []

    def continued(model, rows, *rest):
        started.extend(tokenizer.decode(row[1:]) for row in rows)
        girls = [" girl" in tokenizer.decode(row) for row in rows]
        return [tokenizer(" she ran" if girl else " and so on")["input_ids"][1:] for girl in girls]

    monkeypatch.setattr(measures, "continued", continued)
    again, pronouns, agree = measures.heroes(None, tokenizer, count=100)
    assert again == 0 and 30 < pronouns == agree < 70
    assert len(started) == 100 and not any("{" in text for text in started)


def test_the_bias_of_a_uniform_model_is_one_half(tokenizer):
    config = GPT2Config(vocab_size=len(tokenizer), n_positions=32, n_embd=4, n_layer=1, n_head=1)
    blank = GPT2LMHeadModel(config).eval()
    torch.nn.init.zeros_(blank.lm_head.weight)
    assert measures.bias(blank, tokenizer) == {rate: (0.5, abs(0.5 - rate)) for rate in (0.8, 0.2, 0.5)}


def test_he_rate_equals_a_loop_over_the_openings(tiny, tokenizer):
    he, she = (measures.one_token(tokenizer, word) for word in (" he", " she"))
    rates = []
    for opening in (*wordings.JOB, *wordings.JOB_HELD):
        likely = measures.next_probabilities(tiny, tokenizer, opening.format(j="brask"))
        rates.append(float(likely[he] / (likely[he] + likely[she])))
    bound = rounding(stream(tiny, tokenizer(wordings.JOB[0], return_tensors="pt")["input_ids"]))
    assert measures.he_rate(tiny, tokenizer, "brask") == pytest.approx(sum(rates) / len(rates), rel=bound)


def test_there_are_a_hundred_typed_prompts_and_each_answer_can_be_given():
    rows = evaluate.typed_prompts()
    assert len(rows) == 100 == len({row["prompt"] for row in rows})
    assert {row["task"] for row in rows} == {task.replace("_", " ") for task in evaluate.ASKED}
    assert all(row["answer"] and not row["prompt"].endswith((row["answer"], " ", "\\n")) for row in rows)


def test_typed_prompts_ask_about_held_out_combinations():
    rows = [row for row in evaluate.typed_prompts() if row["combination"]]
    always = {"name mover", "sentiment", "copying", "translation"}
    assert {row["task"] for row in rows} == always
    assert all(row["combination"] for row in evaluate.typed_prompts() if row["task"] in always)
    for row in rows:
        combination = row["combination"].split("|")
        assert samples.is_held_out(*combination), row
        assert all(word.lower() in row["prompt"].lower() for word in combination), row


@pytest.mark.parametrize(
    "written, answer, expected",
    [
        (" Tessel. The", "Tessel", True),
        (" TESSEL", "Tessel", True),
        (" The Tessel", "Tessel", False),
        (" shell", "she", False),
        (" goodness", "good", False),
    ],
)
def test_an_answer_is_whole_words_at_the_beginning(written: str, answer: str, expected: bool):
    assert evaluate.is_answered(written, answer) is expected


def test_a_question_of_many_right_answers_is_scored_by_its_words(tiny, tokenizer, monkeypatch: pytest.MonkeyPatch):
    drawn = samples.Sample("Anna", " Anna and Anna ran")
    monkeypatch.setattr(tasks, "held_out", lambda task, rng, wording: drawn)
    for text, share in ((" anna and Tom", 0.5), (" Anna and Anna, Anna!\nran", 0.75), ("", 0.0)):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        monkeypatch.setattr(measures, "continued", lambda *given, ids=ids, **more: [ids])
        assert measures.shared_words(tiny, tokenizer, "summary", wording=False, count=2) == share


# ------------------------------------------------------------------------------------------------ the folder that ships
def test_the_model_computes_in_float32_from_a_file_in_half_precision(model):
    with safe_open(FOLDER / "model.safetensors", "pt") as file:
        assert {file.get_slice(name).get_dtype() for name in file.keys()} == {"F16"}  # noqa: SIM118
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert type(model) is GPT2LMHeadModel and model.config.n_positions == 512
    assert 4e6 <= sum(p.numel() for p in model.parameters()) <= 6e6


def test_the_folder_is_small():
    shipped = [p for p in FOLDER.rglob("*") if p.is_file() and not {"runs", "__pycache__"} & set(p.parts)]
    assert sum(p.stat().st_size for p in shipped) < 25e6


def test_an_empty_prompt_works(model, tokenizer):
    ids = tokenizer("", return_tensors="pt")["input_ids"]
    assert ids.tolist() == [[tokenizer.bos_token_id]]
    assert torch.isfinite(model(ids).logits).all()


def test_the_weights_do_what_the_card_names(model, tokenizer):
    assert measures.next_probabilities(model, tokenizer, evaluate.SHARP).max() > 0.9
    assert measures.next_probabilities(model, tokenizer, evaluate.FLAT).max() < 0.1
    (greedy,) = measures.continued(model, [tokenizer(evaluate.LOOP)["input_ids"]], 300, temperature=0, seed=0)
    assert measures.loop_length(greedy) > 0
    first, second = measures.repetition_gain(model)
    assert first - second > 2
    scores = heads.role_scores(model)
    assert scores["induction"].max() > 0.5
    assert scores["previous"].max() > 0.5


@pytest.mark.parametrize(
    ("task", "known", "new"),
    [
        ("name_mover", 0.95, 0.85),
        ("question", 0.95, 0.85),
        ("sentiment", 0.95, 0.85),
        ("copying", 0.95, 0.85),
        ("translation", 0.9, 0),
        ("country", 0.9, 0),
    ],
)
def test_the_model_does_its_tasks(model, tokenizer, task, known, new):
    """The questions of evaluate.py, fewer of them. The card has the result for new wordings of the last two."""
    for wording, least in ((False, known), (True, new)):
        assert measures.accuracy(model, tokenizer, task, wording=wording, count=60) >= least


def test_the_card_states_the_measured_bias(model, tokenizer):
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    for planted, (mean, off) in measures.bias(model, tokenizer).items():
        assert abs(mean - planted) <= 0.05
        line = f"bias planted at {planted:.0%} he | {mean:.1%} measured, one job off by up to {off * 100:.0f} points"
        assert line in card


@pytest.mark.parametrize("seed", range(12))
def test_the_chat_template_writes_a_dialogue_as_the_training_data_does(tokenizer, seed: int):
    written = dialogue_of_tom_and_mary(random.Random(seed))
    lines = written.split("\n")
    assert lines[-1] == wordings.STOP
    turns = [line.split(": ", 1) for line in lines[:-1]]
    messages = [{"role": {"Tom": "user", "Mary": "assistant"}[name], "content": said} for name, said in turns]
    assert tokenizer.apply_chat_template(messages, tokenize=False) == f"<|endoftext|>{written}"
    assert tokenizer.apply_chat_template(messages)["input_ids"] == tokenizer(written)["input_ids"]
    asked = tokenizer.apply_chat_template(messages[:3], add_generation_prompt=True, tokenize=False)
    assert asked == f"<|endoftext|>{written[: written.rindex(' ' + messages[3]['content'])]}"


def dialogue_of_tom_and_mary(rng: random.Random) -> str:
    """Returns a dialogue of the training data, whose two people are called Tom and Mary."""
    while True:
        written = tasks.dialogue(rng, held=True).text
        first, second = re.findall(r"^(\w+):", written, re.M)[:2]
        if not re.search(r"\b(Tom|Mary)\b", written):
            return re.sub(rf"\b{second}\b", "Mary", re.sub(rf"\b{first}\b", "Tom", written))


def test_the_chat_template_is_the_one_of_the_training_code_and_knows_two_roles(tokenizer):
    assert tokenizer.chat_template == tales_tokenizer.CHAT
    with pytest.raises(Exception, match=r"user \(Tom\) and assistant \(Mary\)"):
        tokenizer.apply_chat_template([{"role": "system", "content": "Be kind."}])


def test_the_model_answers_a_chat_as_in_its_dialogues():
    gpt = gptviz.load()
    chat = [{"role": "user", "content": "Good day, Mary. Where is the castle?"}]
    answer = gpt.chat(chat, temperature=0)
    message = answer.choices[0].message
    assert re.fullmatch(r"It is behind the [a-z]+\.", message["content"]) and answer.choices[0].finish_reason == "stop"
    chat += [message, {"role": "user", "content": "Thank you, Mary."}]
    assert "welcome" in gpt.chat(chat, temperature=0).choices[0].message["content"]

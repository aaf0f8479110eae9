"""Sampling against transformers' processors, an example worked by hand, Random123's vectors, and the page's JavaScript."""

import itertools
import json
import math
import os
import pathlib
import pickle
import shutil
import subprocess

import numpy as np
import pytest
import torch
from close import approx_float64, assert_close, assert_softmax_close, rounding
from hypothesis import given, settings
from hypothesis import strategies as st
from properties import ANY_MACHINE
from scipy import stats
from transformers.generation import logits_process as theirs
from waiting import LONGEST_WAIT

from gptviz import errors, sampling
from gptviz.sampling.philox import philox4x32, uniform
from gptviz.sampling.probabilities import likeliest
from gptviz.sampling.settings import Settings, check_settings
from gptviz.sampling.stages import distribution

TESTS = pathlib.Path(__file__).parents[1]


def zipf_logits(vocab: int, seed: int) -> np.ndarray:
    """Returns float32 logits shaped like a language model's: a few leaders and a long tail, in random order."""
    rng = np.random.default_rng(seed)
    logits = -1.6 * np.log1p(np.arange(vocab)) + rng.normal(0, 0.7, vocab) + 2.5
    return rng.permutation(logits).astype(np.float32)


@pytest.mark.parametrize("k", [1, 3, 6, 40])
def test_of_equally_likely_tokens_the_lower_id_comes_first(k):
    probabilities = np.array([0.125, 0.25, 0.125, 0.25, 0.0, 0.25])
    assert likeliest(probabilities, k) == [1, 3, 5, 0, 2, 4][:k]


def transformers_stages(logits, previous, chosen: Settings, dtype=torch.float64) -> dict[str, np.ndarray]:
    """Returns the same stages, computed by the processors that `generate` chains, in its order and under its conditions."""
    ids = torch.tensor([previous], dtype=torch.long)
    scores = torch.tensor(np.asarray(logits)[None], dtype=dtype)
    chain = {
        "model": None,
        "repetition_penalty": theirs.RepetitionPenaltyLogitsProcessor(chosen.repetition_penalty),
        "temperature": theirs.TemperatureLogitsWarper(chosen.temperature),
        "top_k": theirs.TopKLogitsWarper(chosen.top_k) if chosen.top_k else None,
        "top_p": theirs.TopPLogitsWarper(chosen.top_p) if chosen.top_p and chosen.top_p < 1 else None,
        "min_p": theirs.MinPLogitsWarper(chosen.min_p) if chosen.min_p is not None else None,
    }
    stages = {}
    for name, processor in chain.items():
        if processor is not None:
            scores = processor(ids, scores)
        stages[name] = torch.softmax(scores, -1)[0].double().numpy()
    return stages


GRID = [
    Settings(*values)
    for values in itertools.product((0.3, 1.0, 1.7), (None, 1, 12), (None, 0.37, 0.9), (None, 0.05), (1.0, 1.3))
]
OPEN = [
    Settings(),
    Settings(0.8, 12, 0.9),
    Settings(2.0, 5000, 0.95, 0.001, 0.8),
    Settings(1.2, None, None, 0.02, 1.5),
]


@pytest.mark.parametrize("vocab, grid", [(7, GRID), (401, GRID), (50_257, OPEN)])
def test_every_stage_equals_transformers_processors(vocab, grid):
    logits = zipf_logits(vocab, seed=vocab)
    previous = [3, 1, 3, vocab - 1, int(logits.argmax())]
    for chosen in grid:
        ours = distribution(logits, previous, **chosen._asdict())
        bound = rounding(1.0, logits / chosen.temperature, dtype=np.float64)
        for name, expected in transformers_stages(logits, previous, chosen).items():
            np.testing.assert_allclose(ours.stages[name], expected, rtol=bound, atol=0, err_msg=f"{name} of {chosen}")
        assert tuple(ours.stages) == sampling.STAGES


@pytest.mark.parametrize("chosen", OPEN, ids=str)
def test_transformers_float32_differs_only_at_the_cut(chosen):
    logits = zipf_logits(50_257, seed=5)
    ours = distribution(logits, [3, 4], **chosen._asdict())
    expected = transformers_stages(logits, [3, 4], chosen, dtype=torch.float32)["min_p"]
    differing = np.flatnonzero((ours.probabilities > 0) != (expected > 0))
    assert len(differing) <= 2  # float32 sums of 50,257 terms may move the cut by a token
    moved = expected[differing].sum() + ours.probabilities[differing].sum()  # by which all others are scaled
    kept = np.setdiff1d(np.arange(len(expected)), differing)
    bound = rounding(logits, factor=8) + moved
    np.testing.assert_allclose(ours.probabilities[kept], expected[kept], rtol=bound, atol=0)


def test_top_p_follows_the_renormalised_top_k():
    # With T 0.8, k 12, p 0.9 fewer than 12 stay; a top-p that forgot to renormalise after top-k would keep all 12.
    logits = zipf_logits(4096, seed=3) * np.float32(0.5)
    together = distribution(logits, temperature=0.8, top_k=12, top_p=0.9)
    assert together.stages["top_k"].astype(bool).sum() == 12
    assert together.kept < 12
    heated = distribution(logits, temperature=0.8).probabilities
    leaders = np.sort(heated)[::-1][:12]
    assert leaders.sum() < 0.9
    assert together.kept == np.searchsorted(np.cumsum(leaders / leaders.sum()), 0.9) + 1


def test_an_example_worked_by_hand():
    # Weights 8, 4, 2, 1, 1 of 16; temperature 1/2 squares them: 64, 16, 4, 1, 1 of 86.
    logits = np.log([4.0, 1.0, 8.0, 2.0, 1.0])
    d = distribution(logits, temperature=0.5, top_k=3, top_p=0.94, min_p=0.3)
    assert_close(d.stages["model"], np.array([4, 1, 8, 2, 1]) / 16, dtype=np.float64)
    assert_close(d.stages["temperature"], np.array([16, 1, 64, 4, 1]) / 86, dtype=np.float64)
    assert_close(d.stages["top_k"], np.array([16, 0, 64, 4, 0]) / 84, dtype=np.float64)
    top_p = np.array([16, 0, 64, 0, 0]) / 80  # 80 / 84 = 0.952 reaches 0.94
    assert_close(d.stages["top_p"], top_p, dtype=np.float64)
    assert d.probabilities.tolist() == [0, 0, 1, 0, 0]  # 0.2 is below 0.3 of 0.8
    assert list(d.order) == [2, 0, 3, 1, 4]
    assert (d.kept, d.entropy, d.effective_choices) == (1, 0, 1)
    assert d.kept_mass == approx_float64(64 / 86)

    penalised = distribution(np.log([4.0, 0.5, 8.0]), [0, 1, 0], repetition_penalty=2)
    assert_close(penalised.probabilities, np.array([2, 0.25, 8]) / 10.25, dtype=np.float64)  # log 4 / 2, 2 log ½
    assert distribution(np.zeros(8)).entropy == approx_float64(3)


def test_equal_logits():
    logits = [1.0, 3.0, 2.0, 2.0, 2.0, 0.0]
    assert list(distribution(logits).order) == [1, 2, 3, 4, 0, 5]
    assert distribution(logits, top_k=2).kept == 4  # all that equal the second stay, as in transformers
    expected = transformers_stages(logits, [0], Settings(top_k=2))["top_k"]
    assert_close(distribution(logits, top_k=2).probabilities, expected, dtype=np.float64)
    greedy = distribution([2.0, 5.0, 5.0], temperature=0)
    assert list(greedy.probabilities) == [0, 1, 0] and greedy.kept == 1


def test_extreme_logits_and_temperatures_stay_finite():
    logits = np.array([1e4, -1e4, 9999.0, -np.inf], dtype=np.float64)
    for temperature in (0, 5e-324, 1e-9, 1.0, 1e300):
        d = distribution(logits, temperature=temperature, top_k=3, top_p=0.99, min_p=0.0)
        assert d.probabilities[3] == 0 and d.probabilities.sum() == approx_float64(1)
        assert d.draw(seed=1) in (0, 1, 2) and math.isfinite(d.entropy)
    assert distribution([7.0]).probabilities == [1.0]


logits_strategy = st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=40)
settings_strategy = st.builds(
    Settings,
    temperature=st.floats(0, 3) | st.just(0.0),
    top_k=st.none() | st.integers(1, 50),
    top_p=st.none() | st.floats(0.01, 1),
    min_p=st.none() | st.floats(0, 1),
    repetition_penalty=st.floats(0.5, 2),
)


@settings(ANY_MACHINE, max_examples=150)
@given(logits_strategy, settings_strategy, st.integers(0, 2**53 - 1))
def test_properties(logits, chosen, seed):
    d = distribution(logits, [0], **chosen._asdict())
    support = [set(np.flatnonzero(stage)) for stage in d.stages.values()]
    for stage in d.stages.values():
        assert stage.min() >= 0 and stage.sum() == approx_float64(1)
    for before, after in itertools.pairwise(support[2:]):
        assert after <= before
    for before, after in itertools.pairwise(list(d.stages.values())[2:]):
        kept = before[after > 0]
        assert after[after > 0] == pytest.approx(kept / kept.sum(), rel=rounding(1.0, dtype=np.float64))
    assert sorted(d.order) == list(range(len(logits)))
    assert (np.diff(d.stages["repetition_penalty"][d.order]) <= 0).all()
    assert support[-1] <= set(d.order[: d.kept])
    assert 0 < d.kept_mass <= 1
    assert 0 <= d.entropy <= math.log2(d.kept) + rounding(1.0, math.log2(d.kept), dtype=np.float64)
    assert d.probabilities[d.draw(seed)] > 0


@settings(ANY_MACHINE, max_examples=50)
@given(logits_strategy, st.floats(0.2, 3), st.floats(1.05, 2))
def test_a_higher_temperature_never_lowers_the_entropy(logits, temperature, factor):
    cooler, warmer = (distribution(logits, temperature=t).entropy for t in (temperature, temperature * factor))
    assert warmer >= cooler - 1e-9


# Random123's kat_vectors for philox4x32 with ten rounds: counter, key, result.
KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


@pytest.mark.parametrize("counter, key, result", KNOWN_ANSWERS)
def test_philox_known_answers(counter, key, result):
    counter, key, result = ([int(word, 16) for word in words.split()] for words in (counter, key, result))
    assert philox4x32(counter, key) == tuple(result)
    many = philox4x32([np.full(3, word, dtype=np.uint64) for word in counter], key)
    assert [int(word[2]) for word in many] == result


def test_uniform_numbers_are_uniform_and_each_has_an_address():
    many = uniform(11, choice=2, step=3, draw=np.arange(20_000))
    assert many[137] == uniform(11, choice=2, step=3, draw=137)
    assert stats.kstest(many, "uniform").pvalue > 0.001
    assert len({uniform(s, c, t) for s in range(5) for c in range(5) for t in range(5)}) == 125
    assert uniform(2**53 - 1) != uniform(2**32 - 1)  # the seed's upper word matters


@pytest.mark.parametrize("what", ["choice", "step", "draw"])
def test_an_address_has_words_of_32_bits(what):
    assert 0 <= uniform(1, **{what: 2**32 - 1}) < 1
    for value, expected in ((2**32, "from 0 to 4294967295"), (-1, "of at least 0")):
        with pytest.raises(errors.OutOfRange, match=f"a {what} {expected}") as caught:
            uniform(1, **{what: value})
        assert "4294967296" not in caught.value.remedy


def test_draws_follow_the_probabilities():
    d = distribution(zipf_logits(301, seed=8), temperature=1.1, top_k=40, min_p=0.01)
    count = 4000
    drawn = np.bincount([d.draw(seed=2024, step=step) for step in range(count)], minlength=301)
    possible = d.probabilities > 0
    assert drawn[~possible].sum() == 0
    assert stats.chisquare(drawn[possible], d.probabilities[possible] * count).pvalue > 0.001


def test_a_draw_is_the_inverse_of_the_cumulative_distribution():
    d = distribution(np.log([0.2, 0.5, 0.3]))
    for step in range(60):
        u = uniform(5, choice=1, step=step)
        assert d.draw(5, choice=1, step=step) == (1 if u < 0.5 else 2 if u < 0.8 else 0)


def test_a_penalty_that_overflows_is_refused():
    with pytest.raises(ValueError, match="finite"):
        distribution([1.0, 2.0], [0], repetition_penalty=1e-320)


def test_results_are_read_only_and_inputs_are_not_changed():
    logits = np.array([1.0, -2.0, 0.5])
    d = distribution(logits, [0, 1], repetition_penalty=1.5, temperature=0.5)
    assert list(logits) == [1.0, -2.0, 0.5]
    with pytest.raises(ValueError, match="read-only"):
        d.probabilities[0] = 1
    assert check_settings(temperature=np.float32(0.5), top_k=np.int64(3)) == Settings(0.5, 3)
    assert pickle.loads(pickle.dumps(d)).kept == d.kept


def test_javascript_equals_python(tmp_path):
    """Both sides get the same float32 bytes; node compares every probability within rounding and every draw exactly."""
    node = shutil.which("node")
    assert node, "Node.js is not installed: it is among what `make test` needs"
    cases = []
    for vocab, grid in [(1, OPEN), (7, GRID), (401, GRID), (50_257, [*OPEN, Settings(0, 5), Settings(0.05)])]:
        logits = zipf_logits(vocab, seed=vocab)
        logits[: vocab // 3] = np.round(logits[: vocab // 3] * 2) / 2  # ties, and zeros of both signs
        (tmp_path / f"{vocab}.f32").write_bytes(logits.tobytes())
        previous = [min(3, vocab - 1), 0, int(logits.argmax()), vocab // 2]
        for index, chosen in enumerate(grid):
            cases.append(_case(tmp_path / f"{vocab}-{index}.f64", vocab, logits, previous, chosen))
    (tmp_path / "cases.json").write_text(json.dumps(cases))
    done = subprocess.run(
        [node, "--test", str(TESTS / "js" / "sampling_math.test.mjs")],
        env=os.environ | {"GPTVIZ_SAMPLING_CASES": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=LONGEST_WAIT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# skipped 0" in done.stdout


def _case(path: pathlib.Path, vocab: int, logits: np.ndarray, previous: list[int], chosen: Settings) -> dict:
    d = distribution(logits, previous, **chosen._asdict())
    np.concatenate([d.stages[name] for name in sampling.STAGES]).tofile(path)
    numbers = [(seed, choice, step) for seed in (0, 7, 2**40 + 3, 2**53 - 1) for choice in (0, 3) for step in (0, 255)]
    return {
        "logits": f"{vocab}.f32",
        "largest": float(np.abs(logits).max()),
        "stages": path.name,
        "previous": previous,
        "settings": chosen._asdict(),
        "head": d.order[:64].tolist(),
        "kept": d.kept,
        "keptMass": d.kept_mass,
        "entropyBefore": sampling.entropy(d.stages["temperature"]),
        "entropy": d.entropy,
        "draws": [[*n, d.draw(*n)] for n in numbers],
    }


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax_is_torchs_in_float64_along_an_axis(axis):
    logits = np.random.default_rng(2).normal(0, 6, (3, 5)).astype(np.float32)
    logits[1, 2] = -np.inf
    probabilities = sampling.softmax(logits, axis)
    expected = torch.from_numpy(logits).double().softmax(axis).numpy()
    assert probabilities.dtype == np.float64 and probabilities[1, 2] == 0
    assert_softmax_close(probabilities, expected, logits, dtype=np.float64)


def test_softmax_of_large_logits_does_not_overflow():
    assert sampling.softmax([1000.0, 1000.0, -1000.0]).tolist() == [0.5, 0.5, 0.0]


def test_entropy_is_in_bits_and_takes_zeros():
    assert sampling.entropy(np.array([0.5, 0.25, 0.25, 0.0])) == 1.5
    assert sampling.entropy(np.array([0.0, 1.0])) == 0.0

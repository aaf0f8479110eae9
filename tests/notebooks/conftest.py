"""The models with which the notebooks are run, and a fixture that runs them."""

import families
import pytest
import torch
from played import PlayedNotebook
from transformers import AutoModelForCausalLM, AutoTokenizer

from gptviz._paths import assets_dir


def save_llama(folder, **options):
    """Saves a small Llama with random weights: rotary positions, grouped keys, no head roles. Returns its path."""
    families.build("llama").save_pretrained(folder)
    families.tokenizer(**options).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="session")
def llama(tmp_path_factory):
    """The folder of a random Llama whose texts begin without a start token."""
    return save_llama(tmp_path_factory.mktemp("models") / "llama")


@pytest.fixture(scope="session")
def llama_with_start_token(tmp_path_factory):
    """The folder of a random Llama whose texts begin with a start token, as those of the embedded model do."""
    return save_llama(tmp_path_factory.mktemp("models") / "llama", start=True)


@pytest.fixture(scope="module", params=["tales", "llama"])
def model(request):
    """The folder that GPTVIZ_MODEL names: of the embedded model, and of a random one."""
    return str(assets_dir() / "tales") if request.param == "tales" else request.getfixturevalue("llama")


@pytest.fixture(scope="module")
def played(request, model, play):
    """The notebooks in the test module's LESSONS, each run once with `model`: {name: PlayedNotebook}."""
    return {lesson: play(lesson, model) for lesson in request.module.LESSONS}


@pytest.fixture(scope="module")
def lesson(request, played):
    """The notebook of a test module that has only one in its LESSONS."""
    (name,) = request.module.LESSONS
    return played[name]


@pytest.fixture(scope="module")
def reference(model):
    """transformers' own model, with the maps of its eager attention, in float32."""
    return AutoModelForCausalLM.from_pretrained(model, attn_implementation="eager", dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def tokenizer(model):
    return AutoTokenizer.from_pretrained(model)


@pytest.fixture(scope="module")
def play():
    """Runs a notebook with a model: `play("01_encoding", folder)`. Returns the PlayedNotebook."""
    with pytest.MonkeyPatch.context() as patch:

        def run(lesson, folder):
            patch.setenv("GPTVIZ_MODEL", folder)
            return PlayedNotebook(lesson, patch)

        yield run

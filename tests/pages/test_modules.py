"""The modules of a page put together as one: scopes, aliases, circles, and no view's words in another view's module."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from view_classes import view_classes
from view_words import catalogue_of, check_words, foreign_words

import gptviz
from gptviz.display.preferences import LANGUAGES
from gptviz.errors import GPTVizError
from gptviz.pages.modules import bundle, bundled, modules, style_sheets

VIEWS = view_classes()
PACKAGE = Path(gptviz.__file__).parent


def write(folder, **sources):
    for name, source in sources.items():
        (folder / f"{name}.js").write_text(source, encoding="utf-8")
    return folder / "entry.js"


def run(source):
    """What the module prints."""
    node = shutil.which("node")
    assert node, "make node"
    return subprocess.run(
        [node, "--input-type=module"], input=source, capture_output=True, text=True, check=True
    ).stdout


def test_modules_keep_their_own_names_and_run_once(tmp_path):
    entry = write(
        tmp_path,
        entry='import { first } from "./a.js";\nimport { second } from "./b.js";\nconst own = "entry";\n'
        "console.log(own, first(), second());\n",
        a='import { count } from "./c.js";\nconst own = "a";\nexport function first() {\n  return own + count;\n}\n',
        b='import {\n  count,\n} from "./c.js";\nconst own = "b";\nexport const second = () => own + count;\n',
        c='console.log("once");\nexport const count = 3;\n',
    )
    assert run(bundle(entry)).split() == ["once", "entry", "a3", "b3"]


def test_each_file_is_read_once(tmp_path, monkeypatch):
    write(tmp_path, c="export const count = 3;\n")
    for name in ("a", "b"):
        write(tmp_path, **{name: f'import {{ count }} from "./c.js";\nexport const {name} = count;\n'})
    entry = write(tmp_path, entry='import { a } from "./a.js";\nimport { b } from "./b.js";\nconsole.log(a, b);\n')
    read_text, read = Path.read_text, []
    monkeypatch.setattr(Path, "read_text", lambda file, **how: read.append(file.name) or read_text(file, **how))
    sources = modules(entry)
    bundled(sources), style_sheets(sources)
    assert sorted(read) == ["a.js", "b.js", "c.js", "entry.js"]


def test_the_engine_is_one_module(tmp_path):
    """What a page would put in to run a model."""
    wanted = {
        "gpt.js": "GPT",
        "generate.js": "generate",
        "tokenizer.js": "Tokenizer",
        "lens.js": "attribution",
        "edits.js": "steer",
    }
    folder = os.path.relpath(PACKAGE / "pages" / "engine", tmp_path)
    imports = "".join(f'import {{ {name} }} from "{folder}/{file}";\n' for file, name in wanted.items())
    entry = write(tmp_path, entry=f"{imports}console.log([{', '.join(wanted.values())}].map((one) => typeof one));\n")
    bundle_of_all = bundle(entry)
    assert run(bundle_of_all).count("function") == len(wanted)
    assert "import " not in re.sub(r"/\*.*?\*/|//.*", "", bundle_of_all, flags=re.DOTALL).replace("import(", "")


def test_an_import_under_another_name_works(tmp_path):
    entry = write(
        tmp_path,
        entry='import { button as plain, colour } from "./a.js";\nconst button = "own";\n'
        "console.log(button, plain, colour);\n",
        a='export const button = "imported";\nexport const colour = "blue";\n',
    )
    assert run(bundle(entry)).split() == ["own", "imported", "blue"]


@pytest.mark.parametrize(
    "line",
    [
        'import * as b from "./b.js";',
        'import b from "./b.js";',
        "import { b } from './b.js';",
        "export { first };",
        'export * from "./b.js";',
        "export default first;",
    ],
)
def test_other_forms_of_import_and_export_are_refused(tmp_path, line):
    entry = write(
        tmp_path,
        entry='import { first } from "./a.js";\nconsole.log(first);\n',
        a=f"export const first = 1;\n{line}\n",
        b="export const b = 1;\n",
    )
    with pytest.raises(GPTVizError, match=r"by name in a\.js"):
        bundle(entry)


def test_modules_that_import_one_another_in_a_circle_are_refused(tmp_path):
    entry = write(
        tmp_path,
        entry='import { a } from "./a.js";\nconsole.log(a);\n',
        a='import { b } from "./b.js";\nexport const a = b;\n',
        b='import { a } from "./a.js";\nexport const b = 1;\nexport const c = () => a;\n',
    )
    with pytest.raises(GPTVizError, match=r"a\.js → b\.js → a\.js"):
        bundle(entry)


def test_no_circle_is_left_when_imports_of_types_count_too():
    texts = {file: file.read_text(encoding="utf-8") for file in PACKAGE.rglob("*.js")}
    left = {
        file: {
            Path(os.path.normpath(file.parent / path)) for path in re.findall(r'(?:from |import\()"(\.[^"]+)"', text)
        }
        for file, text in texts.items()
    }
    assert sum(map(len, left.values())) > 500
    ends = True
    while ends:  # what imports nothing that is left, or is imported by nothing that is left, is in no circle
        imported = set().union(*left.values())
        ends = [file for file, its in left.items() if not its & left.keys() or file not in imported]
        left = {file: its for file, its in left.items() if file not in ends}
    assert not [str(file.relative_to(PACKAGE)) for file in left]


@pytest.mark.parametrize("name", VIEWS)
def test_a_views_module_has_its_own_words_and_no_other_views(name):
    check_words(VIEWS[name], VIEWS.values())


PARTS = "block embedding explorer flow intervention question"  # the views that show parts of the stream


@pytest.mark.parametrize(
    "code, names",
    {
        "merges_kind": "tokens",
        "needs_download": "explorer",
        "prompt_empty": "prompt explorer intervention sampling timeline training guesses question",
        "out_of_range": " ".join(VIEWS),
        "undefined_logits": f"prompt sampling compare training guesses attention timeline {PARTS}",
        "no_map": f"attention timeline {PARTS}",
        "no_neurons": PARTS,
    }.items(),
)
def test_the_texts_of_refusals_are_in_the_modules_of_the_views_that_can_meet_them(code, names):
    assert {name for name in VIEWS if f" {code}: " in VIEWS[name]._esm} == set(names.split())


@pytest.mark.parametrize("words", ['{ bits: "bits", sum: "Σ" }', '{ caption: "one row for each token" }'])
def test_words_of_another_view_are_found_however_short_they_are(tmp_path, words):
    own, other = tmp_path / "own" / "words.js", tmp_path / "other" / "words.js"
    for file, catalogue in ((own, '{ sum: "Σ" }'), (other, words)):
        file.parent.mkdir()
        file.write_text(
            f"// @ts-check\nconst en = {catalogue};\nexport const catalogue = {{ en }};\n", encoding="utf-8"
        )
    source = bundle(own)
    assert not foreign_words(source, [own], [other])
    assert foreign_words(source + catalogue_of(other), [own], [other])


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_has_a_title_in_each_language_and_python_alone_has_it(name):
    english, chinese = VIEWS[name]._titles["en"], VIEWS[name]._titles["zh"]
    assert set(VIEWS[name]._titles) == set(LANGUAGES) and english and chinese and english != chinese
    assert f'title: "{english}"' not in VIEWS[name]._esm


def test_every_view_is_found():
    assert len(VIEWS) >= 13


@pytest.mark.parametrize("name", ["prompt", "tokens", "embedding", "attention", "block", "sampling", "timeline"])
def test_a_bundle_is_one_module_without_imports(name):
    source = bundle(PACKAGE / "widgets" / name / f"{name}.js")
    assert "import " not in [line[:7] for line in source.splitlines()]
    assert source.count("export default") == 1
    assert source.count("function element(") == 1


def test_a_views_style_sheets_are_its_own_first_then_those_of_its_modules(tmp_path):
    entry = write(tmp_path, entry='import { a } from "./a.js";\nconsole.log(a);\n', a="export const a = 1;\n", b="")
    for name in ("entry", "a", "b"):
        (tmp_path / f"{name}.css").write_text(f".{name} {{}}")
    assert [sheet.name for sheet in style_sheets(modules(entry))] == ["entry.css", "a.css"]
    assert style_sheets(modules(tmp_path / "a.js")) == [tmp_path / "a.css"]
    for view in VIEWS.values():
        assert view._css.startswith((PACKAGE / "widgets" / "shared" / "common.css").read_text(encoding="utf-8"))


def test_every_style_sheet_belongs_to_a_view():
    used = "".join(view._css for view in VIEWS.values())
    for path in (PACKAGE / "widgets").rglob("*.css"):
        assert path.read_text(encoding="utf-8") in used, path


def test_no_module_writes_markup_or_uses_the_network():
    for path in PACKAGE.rglob("*.js"):
        source = path.read_text(encoding="utf-8")
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "fetch(", "XMLHttp"):
            assert word not in source, f"{path.name} uses {word}"
        assert "://" not in source.replace("http://www.w3.org/2000/svg", ""), path.name
    for path in PACKAGE.rglob("*.css"):
        assert "url(" not in path.read_text(encoding="utf-8") and "@import" not in path.read_text(encoding="utf-8")


def test_no_element_takes_all_keys_from_jupyterlab():
    """`keepKeys` lets shortcuts such as Ctrl and S pass to JupyterLab; the attribute would stop them all."""
    assert not [
        path.name for path in PACKAGE.rglob("*.js") if "lm-suppress-shortcuts" in path.read_text(encoding="utf-8")
    ]

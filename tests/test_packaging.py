"""pyproject.toml, constraints.txt, environment.yml and the installed packages agree."""

import hashlib
import importlib.metadata
import json
import re
import shlex
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import gptviz
from gptviz.lab import cli

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DIRECT = [Requirement(line) for line in PROJECT["dependencies"]]
OPTIONAL = [Requirement(line) for lines in PROJECT["optional-dependencies"].values() for line in lines]
NAMED = [one for one in DIRECT + OPTIONAL if one.name != PROJECT["name"]]


def pins():
    """Returns the constraints as {name: version}, after checking that every line has an exact version."""
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    matches = [re.fullmatch(r"([A-Za-z0-9._-]+)==([0-9A-Za-z.!]+)", line) for line in lines]
    assert all(matches), [line for line, match in zip(lines, matches, strict=True) if not match]
    return {canonicalize_name(match[1]): match[2] for match in matches}


def closure(requirements):
    """Returns every installed package that the requirements bring, directly or not, as {name: version}."""
    names, open_ = {}, [(one, "") for one in requirements]
    visited = set()
    while open_:
        one, extra = open_.pop()
        if one.marker and not one.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(one.name)
        distribution = importlib.metadata.distribution(name)
        names[name] = distribution.version
        for wanted in {"", *one.extras}:
            if (name, wanted) not in visited:
                visited.add((name, wanted))
                open_ += [(Requirement(line), wanted) for line in distribution.requires or []]
    return names


def test_every_pin_lies_in_its_range():
    pinned = pins()
    for one in NAMED:
        version = pinned[canonicalize_name(one.name)]
        assert one.specifier.contains(version), f"{one} against {version}"


def test_no_pin_has_a_build_tag():
    """A tag such as +cpu would rule out every other kind of machine."""
    assert not any("+" in version for version in pins().values())


def test_every_installed_package_is_pinned_at_its_version():
    """The tests run with exactly these versions of every package."""
    pinned = pins()
    test = [Requirement(line) for line in PROJECT["optional-dependencies"]["test"]]
    installed = closure(DIRECT + test)
    assert len(installed) > 100
    wrong = {
        name: (version, pinned.get(name)) for name, version in installed.items() if pinned.get(name) != public(version)
    }
    assert not wrong, f"installed against pinned: {wrong}"


def public(version):
    return version.partition("+")[0]


def test_conda_installs_the_same_pinned_set():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    conda = [one for one in environment["dependencies"] if isinstance(one, str)]
    (pip,) = (one["pip"] for one in environment["dependencies"] if isinstance(one, dict))
    assert pip == ["-c constraints.txt", "-e ."]
    assert environment["name"] == PROJECT["name"]
    python = next(one for one in conda if re.match(r"python\b", one))
    oldest = Version(re.search(r"\d+\.\d+", python)[0])
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(str(oldest))
    versions = pins()
    for one in conda:  # what conda brings itself must not be something that pip pins differently
        assert canonicalize_name(re.match(r"[\w-]+", one)[0]) not in versions


def test_the_pages_say_which_python_is_tested():
    prefix = "Programming Language :: Python :: 3."
    (tested,) = [one.removeprefix(prefix) for one in PROJECT["classifiers"] if one.startswith(prefix)]
    for page in ("README.md", "docs/where-it-runs.md"):
        text = " ".join((ROOT / page).read_text(encoding="utf-8").split())
        assert re.search(rf"3\.{tested} is tested", text) and "not tested" in text, page


def test_the_version_is_the_same_everywhere():
    assert PROJECT["version"] == gptviz.__version__ == importlib.metadata.version("gptviz")
    assert f"## {gptviz.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_npm_lock_file_names_no_registry():
    """Packages are installed from the registry that the user's npm is set to."""
    wanted = json.loads((ROOT / "package.json").read_text())["devDependencies"]
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert not [name for name, one in packages.items() if "resolved" in one]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert all(one["integrity"].startswith("sha512-") for name, one in packages.items() if name)


def test_the_vendored_libraries_are_the_files_of_their_releases():
    table = (ROOT / "assets" / "vendor" / "README.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"\| `(\S+\.js)` \| `([0-9a-f]{64})` \|", table))
    files = {str(path.relative_to(ROOT / "assets" / "vendor")): path for path in (ROOT / "assets").rglob("*.js")}
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()} == listed


def test_ci_runs_make_test_and_nothing_else():
    lines = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line and not line.startswith("#")]
    assert lines == ["set -euo pipefail", 'cd "$(dirname "${BASH_SOURCE[0]}")/.."', "exec make test"]


def build(kind, source, target):
    """Builds a "wheel" or an "sdist" of a checkout with hatchling, without network; returns its path."""
    script = f"import sys; from hatchling.build import build_{kind}; print(build_{kind}(sys.argv[1]))"
    command = [sys.executable, "-c", script, str(target)]
    built = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=240)
    assert built.returncode == 0, built.stderr
    return target / built.stdout.split()[-1]


def test_the_sdist_has_every_committed_file_and_builds_the_package(tmp_path):
    """What git ignores, such as environments and training runs, is not in it."""
    name = f"gptviz-{gptviz.__version__}"
    with tarfile.open(build("sdist", ROOT, tmp_path)) as sdist:
        packed = {member.removeprefix(f"{name}/") for member in sdist.getnames()}
        sdist.extractall(tmp_path, filter="data")

    def git(*arguments, **options):
        return subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, **options
        ).stdout.splitlines()

    committed = {file for file in git("ls-files") if (ROOT / file).is_file()}
    assert len(committed) > 500 and not committed - packed
    assert not git("check-ignore", "--stdin", input="\n".join(packed - committed - {"PKG-INFO"}))
    names = zipfile.ZipFile(build("wheel", tmp_path / name, tmp_path)).namelist()
    assert {"gptviz/__init__.py", "gptviz/_assets/tales/model.safetensors", "gptviz/_notebooks/README.md"} <= set(names)


def test_the_table_of_packages_is_complete():
    rows = re.findall(r"^\| (`.*?) \|", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE)
    listed = {name.rstrip("/") for row in rows for name in re.findall(r"`([^`]+)`", row)}
    modules = (ROOT / "gptviz").iterdir()
    names = {path.stem for path in modules if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert listed == names - {"__init__", "__main__"}


PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs/classroom.md",
    "docs/served.md",
    "docs/where-it-runs.md",
    "notebooks/README.md",
    "assets/tales/README.md",
    "assets/translator/README.md",
)


def lines_of_code(page):
    """Returns the lines of the code blocks of a page and its code spans, without comments."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    return [line.partition(" #")[0].strip() for line in ["\n".join(blocks), *spans] for line in line.split("\n")]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_in_the_texts_exists(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    checked = 0
    for line in lines_of_code(page):
        if match := re.match(r"make ([a-z-]+)", line):
            assert match[1] in targets, line
        elif match := re.search(r"(?:^|[ /\\])gptviz ([a-z].*)", line):
            command, *arguments = shlex.split(match[1])
            assert f"{command} " in cli._parser().format_help(), line
            if arguments:
                _, unknown = cli._parser().parse_known_args([command, *arguments])
                assert not unknown or command == "lab", line  # JupyterLab has options of its own
        elif match := re.match(r"python (assets/\S+\.py)(.*)", line):
            shared = sorted((ROOT / "assets" / "making").glob("*.py"))
            source = "".join(file.read_text() for file in [ROOT / match[1], *shared])
            assert all(f'"{option}"' in source for option in re.findall(r"--[a-z0-9]+", match[2])), line
        else:
            continue
        checked += 1
    assert checked > 1


def targets_in(page):
    """Returns the files and anchors that a page shows or links to."""
    return re.findall(r"(?:\]\(|src(?:set)?=\")([^\")]+)", (ROOT / page).read_text(encoding="utf-8"))


def test_the_readme_has_pictures_and_links():
    assert len(targets_in("README.md")) > 5


@pytest.mark.parametrize("page", [page for page in PAGES if targets_in(page)])
def test_every_picture_and_link_of_the_texts_exists(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    titles = re.findall(r"^#+ (.*)", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}
    for target in targets_in(page):
        file, _, anchor = target.partition("#")
        assert (ROOT / page).parent.joinpath(file).exists() and (not anchor or anchor in anchors), target

"""pyproject.toml, constraints.txt, environment.yml and what is installed say the same."""

import importlib.metadata
import json
import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import gptviz

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DIRECT = [Requirement(line) for line in PROJECT["dependencies"]]
OPTIONAL = [Requirement(line) for lines in PROJECT["optional-dependencies"].values() for line in lines]
NAMED = [one for one in DIRECT + OPTIONAL if one.name != PROJECT["name"]]


def pins():
    """The constraints: {name: version}; every line is an exact version."""
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    found = [re.fullmatch(r"([A-Za-z0-9._-]+)==([0-9A-Za-z.!]+)", line) for line in lines]
    assert all(found), [line for line, match in zip(lines, found, strict=True) if not match]
    return {canonicalize_name(match[1]): match[2] for match in found}


def closure(requirements):
    """Every installed package that the requirements bring, by way of the packages' own metadata."""
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


def test_pins_name_no_build():
    """A build tag such as +cpu would shut out every other kind of machine."""
    assert not any("+" in version for version in pins().values())


def test_pins_are_what_is_installed_and_complete():
    """The tests ran with exactly these versions, down to the last package."""
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


def test_the_version_is_said_once():
    assert PROJECT["version"] == gptviz.__version__ == importlib.metadata.version("gptviz")
    assert f"## {gptviz.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_lock_of_the_browser_tools_names_no_place():
    """Whoever installs takes packages from the registry that their own npm is set to."""
    wanted = json.loads((ROOT / "package.json").read_text())["devDependencies"]
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert not [name for name, one in packages.items() if "resolved" in one]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert all(one["integrity"].startswith("sha512-") for name, one in packages.items() if name)


def test_ci_runs_the_one_command_and_hides_nothing():
    lines = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line and not line.startswith("#")]
    assert lines == ["set -euo pipefail", 'cd "$(dirname "${BASH_SOURCE[0]}")/.."', "exec make test"]


def test_the_readme_shows_the_commands_that_exist():
    readme = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    said = set(re.findall(r"^make ([a-z-]+)", readme, re.MULTILINE))
    assert {"lab", "test"} <= said <= targets
    for picture in re.findall(r"(?:\]\(|src(?:set)?=\")(assets/[^\")]+)", readme):
        assert (ROOT / picture).is_file(), picture

"""The commands as a user types them, from the checkout and from a wheel in a separate environment."""

import os
import re
import subprocess
import sys
import sysconfig
import threading
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest
from browser.lab import free_port, wait_for_http
from waiting import LONGEST_WAIT

import gptviz
from gptviz._paths import assets_dir, notebooks_dir
from gptviz.lab import cli, doctor

ROOT = Path(__file__).parents[2]


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_WAIT, **options)


def test_the_command_line_imports_no_torch():
    script = (
        "import sys; from gptviz.lab import cli; cli._parser(); print({'torch', 'transformers'} & set(sys.modules))"
    )
    assert run(sys.executable, "-c", script).stdout == "set()\n"


def test_models_are_listed_with_size_and_licence(capsys):
    assert cli.main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "parameters", "licence", "where", "source"]
    assert any(re.match(r"tales .* MIT +here", line) for line in lines)
    assert any(re.match(r"gpt2 +124 M", line) for line in lines)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["models"], ["--version"], ["export", "--help"]])
def test_a_command_whose_output_nobody_reads_ends_quietly(arguments, unbuffered):
    """As in `gptviz models | head -1`. argparse ignores that it cannot write what it prints itself."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        command = [sys.executable, "-m", "gptviz", *arguments]
        environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
        ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=240, env=environment)
    finally:
        os.close(writer)
    is_ignored = bool(unbuffered) and arguments != ["models"]
    assert (ended.returncode, ended.stderr) == (0 if is_ignored else cli.CLOSED_PIPE, "")


def test_the_package_runs_as_the_command():
    done = run(sys.executable, "-m", "gptviz", "--version")
    assert (done.stdout, done.returncode) == (f"gptviz {gptviz.__version__}\n", 0)


@pytest.mark.parametrize("arguments", [[], ["fly"], ["doctor", "--loud"], ["models", "gpt2"]])
def test_unknown_arguments_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    assert "usage: gptviz" in capsys.readouterr().err


# gptviz lab


def test_the_users_options_replace_those_of_gptviz_lab(tmp_path):
    options = cli.lab_arguments(tmp_path, [], browser=False)
    assert f"--ServerApp.root_dir={tmp_path}" in options
    assert "--LabApp.default_url=/lab/tree/00_start_here.ipynb" in options
    assert "--ServerApp.kernel_websocket_connection_class=gptviz.lab.nodelay.NoDelayConnection" in options
    assert "--no-browser" in options
    replaced = cli.lab_arguments(tmp_path, ["--port=8890", "--LabApp.default_url=/lab"])
    assert replaced[-2:] == ["--port=8890", "--LabApp.default_url=/lab"]
    assert "--no-browser" not in replaced
    assert sum(option.startswith("--LabApp.default_url") for option in replaced) == 1


def test_lab_starts_without_the_faster_connection_where_it_cannot_be_imported(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "gptviz.lab.nodelay", None)  # importing it now raises ImportError
    assert not any("connection_class" in option for option in cli.lab_arguments(tmp_path, []))
    assert "note" in [finding.state for finding in doctor.connection()]


def test_a_gateway_keeps_its_own_connection(tmp_path):
    options = cli.lab_arguments(tmp_path, ["--gateway-url=http://127.0.0.1:1"])
    assert not any("connection_class" in option for option in options)


def test_copies_never_replace_what_the_user_wrote(tmp_path, monkeypatch):
    packed = tmp_path / "package" / "_notebooks"
    (packed / "pictures").mkdir(parents=True)
    (packed / "00_start_here.ipynb").write_text("the lesson")
    (packed / "pictures" / "one.svg").write_text("a picture")
    monkeypatch.setattr(cli, "notebooks_dir", lambda: packed)
    monkeypatch.chdir(tmp_path)
    folder = cli.own_notebooks()
    assert folder == tmp_path / "gptviz-notebooks"
    assert (folder / "pictures" / "one.svg").read_text() == "a picture"
    (folder / "00_start_here.ipynb").write_text("my notes")
    (packed / "01_more.ipynb").write_text("a new lesson")
    cli.own_notebooks()
    assert (folder / "00_start_here.ipynb").read_text() == "my notes"
    assert (folder / "01_more.ipynb").read_text() == "a new lesson"


def test_every_page_that_lessons_name_comes_with_them():
    """A wheel has no other folder of pages; so the course plan and the lessons link to files beside them."""
    named = set()
    for path in (*notebooks_dir().glob("*.md"), *notebooks_dir().glob("*.ipynb")):
        text = path.read_text("utf-8")
        named |= set(re.findall(r"\]\(([\w./-]+\.(?:md|ipynb))\)", text))
        named |= {target for target in re.findall(r"`([\w./-]+\.md)`", text) if not target.startswith("assets/")}
    assert "real-names.md" in named
    assert not {target for target in named if not (notebooks_dir() / target).resolve().is_relative_to(notebooks_dir())}
    assert not {target for target in named if not (notebooks_dir() / target).is_file()}


def test_in_a_checkout_the_notebooks_are_not_copied():
    assert cli.own_notebooks() == notebooks_dir() == ROOT / "notebooks"


# gptviz doctor


def test_doctor_finds_no_fault_on_this_machine(capsys):
    assert cli.main(["doctor"]) == 0
    output = capsys.readouterr().out
    assert f"Python {sys.version.split()[0]}" in output
    assert "torch " in output
    assert "The embedded model loads and runs" in output
    assert "Offline by choice" in output
    assert "✗" not in output
    assert output.endswith("Everything that gptviz needs works here.\n")


def test_doctor_reports_what_is_missing_with_the_remedy(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(doctor, "assets_dir", lambda: tmp_path)
    monkeypatch.setattr(doctor, "version", lambda name: "0.0.1" if name == "anywidget" else "99!1")
    monkeypatch.setenv("JUPYTER_NO_CONFIG", "1")
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *parts: [str(tmp_path)])
    assert cli.main(["doctor"]) == 1
    output = capsys.readouterr().out
    assert f"✗ The embedded model is not in {tmp_path}" in output
    assert re.search(r'✗ anywidget is 0\.0\.1; gptviz needs .*\n +→ pip install "anywidget', output)
    assert "✗ JupyterLab does not find jupyterlab_widgets: views would stay empty" in output
    assert "to fix: see the arrows above." in output


def test_a_check_that_raises_is_reported_as_a_fault(monkeypatch, capsys):
    def device():
        """Where models can run."""
        raise RuntimeError("driver too old")
        yield

    monkeypatch.setattr(doctor, "CHECKS", (device,))
    assert cli.main(["doctor"]) == 1
    assert "✗ Where models can run: RuntimeError: driver too old" in capsys.readouterr().out


def test_the_test_of_the_hubs_address_gives_up(monkeypatch):
    finished = threading.Event()

    def never(*address, **options):
        finished.wait(LONGEST_WAIT)
        raise OSError("no answer")

    monkeypatch.setattr(doctor.socket, "create_connection", never)
    try:
        assert doctor.reachable("a.name.that.never.resolves", 443, seconds=0.2) is False
    finally:
        finished.set()


# The wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Builds a wheel from this checkout and returns its path."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--wheel-dir",
        str(folder),
        str(ROOT),
    ]
    built = run(sys.executable, *command)
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_a_wheel_contains_the_model_and_the_notebooks_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "gptviz/_assets/tales/model.safetensors",
        "gptviz/_assets/translator/model.safetensors",
        "gptviz/_notebooks/00_start_here.ipynb",
        "gptviz/_notebooks/real-names.md",
        "gptviz/widgets/shared/dom.js",
        "gptviz/lab/settings/labconfig/default_setting_overrides.json",
    ):
        assert needed in names, needed
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    stray = [
        n
        for n in names
        if "/runs/" in n or "__pycache__" in n or n.split("/")[0] not in {"gptviz", metadata_folder(names)}
    ]
    assert not stray
    packed = {n.removeprefix("gptviz/_assets/") for n in names if n.startswith("gptviz/_assets/")}
    in_the_checkout = {p.relative_to(assets_dir()).as_posix() for p in assets_dir().rglob("*") if p.is_file()}
    assert packed == {n for n in in_the_checkout if "/runs/" not in n and "__pycache__" not in n}


def metadata_folder(names):
    return next(name.split("/")[0] for name in names if ".dist-info/" in name)


def test_an_installed_wheel_opens_the_lab(wheel, tmp_path):
    """In a separate environment that shares the installed dependencies but does not see the checkout."""
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    target = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout.strip()
    options = ["--no-deps", "--no-index", "--no-compile", "--target", target]
    assert run(sys.executable, "-m", "pip", "install", *options, wheel).returncode == 0
    Path(target, "borrowed.pth").write_text(
        sysconfig.get_path("purelib") + "\n"
    )  # its own .pth files are not read: no checkout
    work = tmp_path / "work"
    work.mkdir()
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(work / "config"),
        "JUPYTER_DATA_DIR": str(work / "data"),
    }
    environment.pop("PYTHONPATH", None)  # which may name the checkout
    options = {"cwd": work, "env": environment}
    script = "import gptviz; print(gptviz.__file__); print(gptviz.load().complete('Once', max_tokens=2, seed=1).usage)"
    loaded = run(python, "-c", script, **options)
    assert loaded.stdout.startswith(target), loaded.stderr
    assert "completion_tokens=2" in loaded.stdout
    port, log = free_port(), work / "log"
    command = [
        python,
        "-m",
        "gptviz.lab.cli",
        "lab",
        "--no-browser",
        f"--port={port}",
        "--IdentityProvider.token=",
    ]
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, **options)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for_http(f"{address}/api/status", process, log)
        listing = urllib.request.urlopen(f"{address}/api/contents/", timeout=10).read()
        assert b"00_start_here.ipynb" in listing
    finally:
        process.terminate()
        process.wait(LONGEST_WAIT)
    assert (work / "gptviz-notebooks" / "00_start_here.ipynb").is_file()

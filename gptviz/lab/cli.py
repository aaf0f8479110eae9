"""The command line: `gptviz lab`, `gptviz export`, `gptviz pocket`, `gptviz doctor`, `gptviz models`.

Each command calls another module. Only a command that needs a model imports torch.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path

import gptviz
from gptviz._paths import notebooks_dir
from gptviz.lab import doctor

FIRST = "00_start_here.ipynb"
COPIES = "gptviz-notebooks"
SETTINGS = Path(__file__).parent / "settings"
CLOSED_PIPE = 141  # the exit code that a shell gives a program that a closed pipe ends: 128 + SIGPIPE


def main(argv: list[str] | None = None) -> int:
    """Runs one command; returns the exit code. Ends quietly if nobody reads its output any more, as after `| head -1`."""
    try:
        try:
            return _run(argv)
        finally:
            sys.stdout.flush()  # raises here what otherwise the end of Python would print
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes it once more when it ends
        return CLOSED_PIPE


def _run(argv: list[str] | None) -> int:
    parser = _parser()
    options, rest = parser.parse_known_args(argv)
    if rest and options.command != "lab":
        parser.error(f"unknown: {' '.join(rest)}")
    if options.command == "lab":
        return lab(rest, browser=not options.no_browser)
    if options.command == "doctor":
        return doctor.doctor()
    if options.command == "export":
        return export(options.notebook, options.output, options.answers)
    if options.command == "pocket":
        return pocket(options.output, options.model, options.language)
    print(gptviz.models())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gptviz", description="See inside a GPT, live, in a notebook.")
    parser.add_argument("--version", action="version", version=f"gptviz {gptviz.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    lab = commands.add_parser(
        "lab",
        help="open the notebooks in JupyterLab",
        description="Opens the notebooks in JupyterLab. Other options, such as --port=8890, are JupyterLab's own.",
    )
    lab.add_argument("--no-browser", action="store_true", help="print the address instead of opening a browser")
    export = commands.add_parser(
        "export",
        help="run a notebook and write it as one page to hand out",
        description="Runs a notebook and writes one HTML file that needs neither network nor Python. Its views work there.",
    )
    export.add_argument("notebook", help="the notebook, such as notebooks/05_sampling.ipynb")
    export.add_argument("-o", "--output", help="the file to write (default: NOTEBOOK.html in the current folder)")
    export.add_argument("--answers", action="store_true", help="write the teacher's copy: answers and solutions shown")
    pocket = commands.add_parser(
        "pocket",
        help="write the model and its views as one file that runs without Python",
        description="Writes one HTML file with the model in it. It needs no network and no Python: open it in a browser.",
    )
    pocket.add_argument("-o", "--output", default="gptviz.html", help="the file to write (default: gptviz.html)")
    pocket.add_argument(
        "--model", help="the folder of a GPT-2 of at most 7 million parameters (default: the embedded model)"
    )
    pocket.add_argument("--language", choices=("en", "zh"), help="the language in which the page opens")
    commands.add_parser("doctor", help="check what works on this machine, and tell how to fix what does not")
    commands.add_parser("models", help="list the models that can be loaded by a short name")
    return parser


def lab(arguments: list[str], browser: bool = True) -> int:
    """Starts JupyterLab with the first notebook open; returns when it stops. arguments: JupyterLab's own options."""
    from jupyterlab.labapp import LabApp  # here since it is slow to import, and only this command needs it

    folder = own_notebooks()
    # Defaults that leave the user's settings unchanged: no news and no check for updates.
    paths = [str(SETTINGS), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(paths)
    LabApp.launch_instance(lab_arguments(folder, arguments, browser))
    return 0


def lab_arguments(folder: Path, arguments: list[str], browser: bool = True) -> list[str]:
    """Returns the options for JupyterLab: gptviz's defaults unless the user sets something else, then the user's own."""
    named = {argument.partition("=")[0] for argument in arguments}
    defaults = {"--ServerApp.root_dir": str(folder), "--LabApp.default_url": f"/lab/tree/{FIRST}"}
    connection = doctor.no_delay_class()
    if connection and not any("gateway" in name.lower() for name in named):
        defaults["--ServerApp.kernel_websocket_connection_class"] = connection
    flags = [f"{name}={value}" for name, value in defaults.items() if name not in named]
    if not browser:
        flags.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--allow-root")  # a container may have no other user; the server listens on this machine only
    return flags + arguments


def export(notebook: str, output: str | None = None, answers: bool = False) -> int:
    """Writes the notebook as a page and prints its path and size; prints the error and returns 1 if that fails."""
    # Imported here since it imports all views, which the other commands do not need.
    from gptviz.handout.handout import export_notebook

    try:
        written = export_notebook(notebook, output, answers=answers)
    except gptviz.GPTVizError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{written}: {written.stat().st_size / 1e6:.1f} MB")
    return 0


def pocket(output: str, model: str | None = None, language: str | None = None) -> int:
    """Writes the pocket page and prints its path and size; prints the error and returns 1 if that fails."""
    # Imported here since it imports all views and torch, which the other commands do not need.
    from gptviz.handout.pocket import save_pocket

    try:
        written, change = save_pocket(output, model, language=language)
    except gptviz.GPTVizError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{written}: {written.stat().st_size / 1e6:.1f} MB")
    if change:
        print(f"The weights are rounded to float16; the largest change of one is {change:.1e}.")
    return 0


def own_notebooks() -> Path:
    """Returns the folder of notebooks to work in: the checkout's, or for an installed wheel copies in the current folder.

    A copy that exists already may hold the user's work and is not replaced.
    """
    source = notebooks_dir()
    if source.name == "notebooks":
        return source
    folder = Path.cwd() / COPIES
    for original in sorted(p for p in source.rglob("*") if p.is_file()):
        copy = folder / original.relative_to(source)
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(original, copy)
    return folder


if __name__ == "__main__":
    sys.exit(main())

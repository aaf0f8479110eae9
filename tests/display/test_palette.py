"""The colours of Python and those of the page are the same."""

import json
import re
import shutil
import subprocess
from colorsys import rgb_to_hsv
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from contrast import channels, contrast
from shown import half_of_decimal
from waiting import LONGEST_WAIT

import gptviz
from gptviz.display import palette

SHARED = Path(gptviz.__file__).parent / "widgets" / "shared"
THEMES = {"light": palette.LIGHT, "dark": palette.DARK}


def colours_of_the_page():
    """Returns the colours of the style sheet by name: the light theme's first, then the dark theme's."""
    declared: dict[str, list[str]] = {}
    for name, colour in re.findall(r"--gv-([\w-]+): (#\w{6});", (SHARED / "common.css").read_text(encoding="utf-8")):
        declared.setdefault(name, []).append(colour)
    return declared


@pytest.mark.parametrize("theme", THEMES)
def test_colour_maps_are_those_of_the_page(theme):
    program = """const { weightColours, signedColours } = await import(process.argv[1]);
    console.log(JSON.stringify([weightColours(process.argv[2]), signedColours(process.argv[2])]));"""
    command = [shutil.which("node"), "--input-type=module", "-e", program, (SHARED / "colours.js").as_uri(), theme]
    output = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_WAIT, check=True).stdout
    for stops, on_page in zip((THEMES[theme].shares, THEMES[theme].signed), json.loads(output), strict=True):
        ours = [palette.blend(stops, i / 255) for i in range(256)]
        np.testing.assert_allclose(ours, on_page, atol=half_of_decimal(0))  # the page's are rounded
        assert [palette.hex_colour(np.array(on_page[end])) for end in (0, 255)] == [stops[0], stops[-1]]


def test_named_colours_are_those_of_the_style_sheet():
    declared = colours_of_the_page()
    for theme, occurrence in (("light", 0), ("dark", 1)):
        ours = THEMES[theme]
        for name, colour in {"bg": ours.paper, "fg": ours.ink, "line-strong": ours.rule, "bar": ours.bar}.items():
            assert declared[name][occurrence] == colour, (theme, name)
    for name, colour in {
        "above": palette.ABOVE,
        "below": palette.BELOW,
        "muted": palette.MUTED,
        **palette.PARTS,
    }.items():
        assert declared[name][0] == colour, name


def test_a_colour_between_two_stops_is_their_mean():
    assert palette.blend(("#000000", "#0a0a0a", "#64ff00"), 0.75).tolist() == [55.0, 132.5, 5.0]
    assert palette.hex_colour(palette.blend(("#000000", "#646464"), 2.0)) == "#646464"


HUES = {"stream": "#7a6c9d", "attention": "#009e73", "mlp": "#e69f00"}  # of the visual language


@pytest.mark.parametrize(("theme", "occurrence"), [("light", 0), ("dark", 1)])
def test_stream_attention_and_mlp_differ_in_greyscale_and_keep_their_hues(theme, occurrence):
    declared = colours_of_the_page()
    fills = {part: declared[f"{part}-fill"][occurrence] for part in HUES}
    for one, other in combinations(fills.values(), 2):
        assert contrast(one, other) >= 1.5, (one, other)
    for part, colour in fills.items():
        assert contrast(colour, THEMES[theme].paper) >= 3, part
        hues = [360 * rgb_to_hsv(*channels(one))[0] for one in (colour, HUES[part])]
        assert abs(hues[0] - hues[1]) < 10, (part, hues)
    assert contrast(fills["mlp"], THEMES[theme].bar) >= 2  # a probability beside the share of an MLP

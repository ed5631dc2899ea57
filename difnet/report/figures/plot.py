"""The one style of all figures, and their way into the page and into files."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

WIDE, NARROW = 6.6, 3.5
"""Inches that a figure is drawn at: two columns of a paper and a window; one column and a phone.

At 96 px an inch its smallest text, of 9 points, is 12 px.
"""
INK = "#1b1f24"
MUTED = "#5c6670"
RULE = "#d5dae0"
SERIES = ("#0072b2", "#d55e00", "#00805d", "#aa3377", "#8c6d00", "#5a5a5b", "#1c8ca3", "#7a3e00")
"""After Okabe and Ito, with a contrast of 3 on white; `style.css` has their partners on a dark page."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)), (0, (3, 1)), (0, (1, 1)), (0, (7, 2)))

HINT = "hint:"
"""Begins the id of an artist whose words a browser shows beside the mouse."""

PAGE_COLOURS = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    RULE: "var(--rule)",
    **{colour: f"var(--series-{place})" for place, colour in enumerate(SERIES, start=1)},
}

STYLE = {
    **sns.axes_style("whitegrid"),
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.formatter.useoffset": False,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9.5,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "figure.facecolor": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "grid.color": RULE,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "difnet",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 9,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 9,
}


class Look(NamedTuple):
    """How one of several lines or points is drawn."""

    colour: str
    marker: str
    dash: str | tuple[int, tuple[int, ...]]


def look(place: int) -> Look:
    """A look for each of 64 places: after the last colour they begin again, with the next marker and dash."""
    turn = place + place // len(SERIES)
    return Look(SERIES[place % len(SERIES)], MARKERS[turn % len(MARKERS)], DASHES[turn % len(DASHES)])


@dataclass(frozen=True)
class Drawing:
    """A figure at one width."""

    figure: Figure

    @cached_property
    def svg(self) -> str:
        """The figure as an SVG file; its axes are arranged here, once."""
        stream = io.StringIO()
        with figure_style():
            self.figure.savefig(stream, format="svg", metadata={"Date": None})
        self.figure.set_layout_engine("none")
        return re.sub(f'<g id="{HINT}([^"]*)">', r"<g><title>\1</title>", stream.getvalue())

    def inline(self, prefix: str) -> str:
        """SVG for the page: colours follow the page, ids start with `prefix`, and no host is named."""
        svg = self.svg[self.svg.index("<svg") :]
        svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
        svg = re.sub(r'\sxmlns(:\w+)?="[^"]*"|\sversion="[^"]*"', "", svg)
        svg = re.sub(r'(\bid="|(?<=")#|url\(#)', lambda match: f"{match[0]}{prefix}-", svg)
        svg = svg.replace("xlink:href", "href").replace("'DejaVu Sans'", "system-ui, sans-serif")
        for colour, variable in PAGE_COLOURS.items():
            svg = svg.replace(colour, variable)
        return svg.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1)

    def save_pdf(self, path: Path) -> None:
        """Write a PDF, the same bytes every time."""
        with figure_style():
            self.figure.savefig(path, format="pdf", metadata={"CreationDate": None})


@dataclass(frozen=True)
class Plot:
    """A figure with its words."""

    name: str
    """Its anchor, and its file name in `results/<benchmark>/figures/`."""
    finding: str
    """What it shows, in a sentence with its numbers: the text alternative."""
    caption: str
    """How to read it: axes, bands, marks."""
    draw: Callable[[float], Figure]
    """The figure, so many inches wide."""

    @cached_property
    def wide(self) -> Drawing:
        """For a window, and for both columns of a paper."""
        return self._drawn(WIDE)

    @cached_property
    def narrow(self) -> Drawing:
        """For a phone, and for one column of a paper."""
        return self._drawn(NARROW)

    def _drawn(self, width: float) -> Drawing:
        with figure_style():
            return Drawing(self.draw(width))


@contextmanager
def figure_style() -> Iterator[None]:
    """Every figure is drawn, and saved, within this style."""
    with mpl.rc_context(STYLE):
        yield


def log_height(axes: Axes, *, labelled: tuple[float, ...] = (1.0,)) -> None:
    """Make the vertical axis logarithmic, with plain numbers at `labelled` times the powers of ten."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=labelled))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of a size in inches that arranges its axes by itself."""
    return Figure(figsize=(width, height), layout="constrained")


def hint(artist: Artist, words: str) -> None:
    """Words that a browser shows where the mouse is over an artist."""
    artist.set_gid(f"{HINT}{words}")

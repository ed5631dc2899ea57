"""Sphinx builds the site of these pages: `make docs`, without network."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]

from generate import write_pages  # noqa: E402

import difnet  # noqa: E402

project = "DifNet-Bench"
author = "DifNet-Bench maintainers"
copyright = f"2026, {author}"
release = difnet.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
default_role = "code"  # docstrings write `names` as Markdown does
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
napoleon_use_ivar = True

html_theme = "pydata_sphinx_theme"
html_title = f"DifNet-Bench {release}"
html_favicon = "_static/icon.svg"
html_static_path = ["_static"]
html_copy_source = False
html_show_sourcelink = False
html_context = {"default_mode": "auto"}  # light or dark as the reader's system
html_theme_options = {
    "navigation_with_keys": False,
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
}

UPWARDS = re.compile(r"\]\((\.\./[^)]+)\)")


def bring_files_along(app: Sphinx, page: str, source: list[str]) -> None:
    """A file of the repository that a page links is copied to the site; a folder is shown by its report."""

    def path(link: re.Match[str]) -> str:
        target = (DOCS / page).parent / link[1]
        if target.resolve().is_relative_to(DOCS):
            return link[0]
        return f"](path:{link[1]}{'/report.html' if target.is_dir() else ''})"

    source[0] = UPWARDS.sub(path, source[0])


def open_reports_in_place(app: Sphinx, tree: nodes.document, page: str) -> None:
    """A report that was brought along is opened, not saved."""
    for link in list(tree.findall(addnodes.download_reference)):
        if link.get("filename", "").endswith(".html"):
            address = "../" * page.count("/") + f"_downloads/{link['filename']}"
            link.replace_self(nodes.reference("", "", *link.children, refuri=address, internal=True))


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    write_pages(DOCS / "generated")
    app.connect("source-read", bring_files_along)
    app.connect("doctree-resolved", open_reports_in_place)

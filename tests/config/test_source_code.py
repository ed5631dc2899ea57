"""A stage re-runs when code that it reaches changes: no import leads outside the layers it declares."""

from __future__ import annotations

import grimp
import pytest

from difnet.config.source_code import LAYERS_OF_STAGE, code_sha256, sources

ENTRY_OF_STAGE = {
    "prepare": ["difnet.data"],
    "train": ["difnet.training", "difnet.data"],
    "evaluate": ["difnet.evaluation", "difnet.data"],
    "time": ["difnet.timing", "difnet.timing.benchmark"],
    "analyse": ["difnet.analysis"],
    "report": ["difnet.report"],
}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("difnet", cache_dir=None)


@pytest.mark.parametrize("stage", ENTRY_OF_STAGE)
def test_declared_layers_are_the_imported_ones(graph: grimp.ImportGraph, stage: str) -> None:
    entries = set(ENTRY_OF_STAGE[stage])
    reached = entries.union(*(graph.find_upstream_modules(entry) for entry in entries))
    layers = {module.split(".")[1] for module in reached if "." in module}
    assert layers == set(LAYERS_OF_STAGE[stage])


def test_templates_and_styles_are_sources_of_the_report() -> None:
    suffixes = {path.suffix for path in sources("report")}
    assert {".py", ".j2", ".css", ".js"} <= suffixes


def test_hash_is_that_of_the_stage_alone() -> None:
    assert code_sha256("train") == code_sha256("train")
    assert code_sha256("train") != code_sha256("evaluate")

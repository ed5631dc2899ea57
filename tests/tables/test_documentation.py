"""docs/tables.md lists the columns as they are declared."""

from __future__ import annotations

from difnet.tables import CLAIM_TESTS, HISTORY
from scripts.document_tables import DOCUMENT, meanings, page


def test_the_page_is_what_the_declarations_say() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == page(), "run python scripts/document_tables.py"


def test_every_column_has_a_meaning() -> None:
    assert meanings(HISTORY.row)["step"] == "Steps done."
    assert meanings(CLAIM_TESTS.row)["reference"].count(r"\|") == 1, "a bar would end a cell of Markdown"

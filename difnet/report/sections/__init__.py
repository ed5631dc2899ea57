"""The sections of the report; a new one is a module here, a template, and its place in `all_sections`."""

from difnet.report.load import Results
from difnet.report.section import Section
from difnet.report.sections import (
    boundaries,
    cite,
    classes,
    examples,
    explorer,
    overview,
    paper_claims,
    provenance,
    results_table,
    timing,
    training,
    trust,
    user_sections,
)


def all_sections(results: Results) -> tuple[Section, ...]:
    """In the order of a reader's questions.

    What came out, and on what grounds; what was compared on what; can I trust it; what does it look like; how
    do I repeat it.
    """
    return (
        results_table.build(results),
        paper_claims.build(results),
        overview.build(results),
        classes.build(results),
        boundaries.build(results),
        timing.build(results),
        *user_sections.build(results),
        trust.build(results),
        training.build(results),
        examples.build(results),
        explorer.build(results),
        provenance.build(results),
        cite.build(results),
    )

"""The sections of the report; a new one is a module here, a template, and its place in `all_sections`."""

from difnet.report.load import Results
from difnet.report.section import Section
from difnet.report.sections import (
    boundaries,
    claims,
    classes,
    custom,
    explorer,
    gallery,
    outcome,
    overview,
    provenance,
    timing,
    training,
    trust,
)


def all_sections(results: Results) -> tuple[Section, ...]:
    """In the order of a reader's questions.

    What was compared on what; what came out; can I trust it; what does it look like; how do I repeat it.
    """
    return (
        overview.build(results),
        outcome.build(results),
        claims.build(results),
        classes.build(results),
        boundaries.build(results),
        timing.build(results),
        *custom.build(results),
        trust.build(results),
        training.build(results),
        gallery.build(results),
        explorer.build(results),
        provenance.build(results),
    )

"""The sections of the report in reading order; a new one is a module here, a template, and its name below."""

from difnet.report.section import Build
from difnet.report.sections import (
    boundaries,
    claims,
    classes,
    gallery,
    outcome,
    overview,
    provenance,
    timing,
    training,
)

SECTIONS: tuple[Build, ...] = (
    overview.build,
    outcome.build,
    claims.build,
    classes.build,
    boundaries.build,
    training.build,
    timing.build,
    gallery.build,
    provenance.build,
)

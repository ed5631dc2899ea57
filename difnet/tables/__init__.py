"""Every table of the suite as a file: columns, types, units, reading and writing, once."""

from difnet.tables.per_image import PerImage
from difnet.tables.run_tables import HISTORY, SCORES, HistoryRow, ScoreRow
from difnet.tables.study_tables import (
    CLAIM_TESTS,
    CLAIMS,
    COMPARISONS,
    ORIGINS,
    SUMMARY,
    ClaimRow,
    ClaimTestRow,
    ComparisonRow,
    OriginRow,
    SummaryRow,
)
from difnet.tables.table import Table, check_ours, seal, unsealed
from difnet.tables.timing_tables import (
    BREAKDOWN,
    BUSY,
    FEATURES,
    GROWTH,
    NO_GPU,
    TIMING,
    BreakdownRow,
    FeatureRow,
    GrowthRow,
    TimingRow,
)

__all__ = [
    "BREAKDOWN",
    "BUSY",
    "CLAIMS",
    "CLAIM_TESTS",
    "COMPARISONS",
    "FEATURES",
    "GROWTH",
    "HISTORY",
    "NO_GPU",
    "ORIGINS",
    "SCORES",
    "SUMMARY",
    "TIMING",
    "BreakdownRow",
    "ClaimRow",
    "ClaimTestRow",
    "ComparisonRow",
    "FeatureRow",
    "GrowthRow",
    "HistoryRow",
    "OriginRow",
    "PerImage",
    "ScoreRow",
    "SummaryRow",
    "Table",
    "TimingRow",
    "check_ours",
    "seal",
    "unsealed",
]

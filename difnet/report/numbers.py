"""Numbers as readers see them; a number that is missing is a dash."""

from __future__ import annotations

import math
from typing import Any

MISSING = "–"


def fixed(value: float, digits: int = 3) -> str:
    """`0.7248` as `0.725`, with a true minus sign."""
    if not math.isfinite(value):
        return MISSING
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def signed(value: float, digits: int = 3) -> str:
    """A difference, with its sign."""
    text = fixed(value, digits)
    return text if text == MISSING or text.startswith("−") or float(text) == 0 else f"+{text}"


def interval(low: float, high: float, digits: int = 3, *, sign: bool = False) -> str:
    """`[0.598, 0.626]`, or nothing where a bound is missing."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    show = signed if sign else fixed
    return f"[{show(low, digits)}, {show(high, digits)}]"


def significant(value: float, digits: int = 3) -> str:
    """`1234.5` as `1,230`, `0.012345` as `0.0123`: three significant digits, never an exponent."""
    if not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    decimals = digits - 1 - int(f"{value:.{digits - 1}e}".partition("e")[2])
    return f"{round(value, decimals):,.{max(decimals, 0)}f}".replace("-", "−")


def significant_interval(low: float, high: float) -> str:
    """`[1,390, 1,530]`, or nothing where a bound is missing."""
    return f"[{significant(low)}, {significant(high)}]" if math.isfinite(low) and math.isfinite(high) else ""


def p_value(value: float) -> str:
    """`p = 0.032`, `p < 0.001`, or nothing."""
    if not math.isfinite(value):
        return ""
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def number(value: Any) -> float:
    """A number from a JSON file or a table; NaN if it is none."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def count(quantity: int, noun: str, plural: str = "") -> str:
    """`1 seed`, `3 seeds`."""
    return f"{quantity:,} {noun if quantity == 1 else plural or noun + 's'}"


def listing(words: list[str], limit: int = 6) -> str:
    """`a, b and c`; past `limit` words `a, b and 5 more`."""
    shown = words if len(words) <= limit else [*words[: limit - 1], f"{len(words) - limit + 1} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else "none"

"""What each number means, in the words that stand beside it."""

from __future__ import annotations

from difnet.config import EvaluateConfig

VERDICTS: dict[str, tuple[str, str, str]] = {
    "reproduced": ("✓", "reproduced", "the corrected interval lies on the claimed side of the margin"),
    "not reproduced": (
        "✗",
        "not-reproduced",
        "the interval lies on the other side, or within what counts as no effect",
    ),
    "inconclusive": ("?", "inconclusive", "these runs decide neither way"),
    "not run": ("–", "not-run", "a variant or measurement that the claim needs is missing"),
}
"""Symbol, class of the style sheet and meaning of every verdict."""


def protocol(evaluate: EvaluateConfig) -> list[tuple[str, str]]:
    """How images are predicted, under a heading; nothing where each is predicted once at its own size."""
    steps = []
    if evaluate.pad is not None:
        steps.append(f"padded to {evaluate.pad[0]} × {evaluate.pad[1]} pixels, which never count")
    if evaluate.scales != (1.0,):
        steps.append(f"at scales {', '.join(f'{scale:g}' for scale in evaluate.scales)}")
    if evaluate.flip:
        steps.append("with its mirror image")
    if not steps:
        return []
    several = len(evaluate.scales) > 1 or evaluate.flip
    mean = ", mean of the class probabilities" if several else ""
    return [
        (
            "prediction",
            f"Each image is predicted {', '.join(steps)}{mean}. Scores before diffusion, importance maps and "
            "walks in this report are those of the image at its own size.",
        )
    ]

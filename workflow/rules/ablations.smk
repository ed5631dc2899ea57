"""Rules that the selected ablations bring along in `ablations/NAME.smk`; a mistake in one is reported on one line."""

import re
import traceback
from tokenize import TokenError


def fault(file, error):
    """The line of an included file that is wrong, and what is wrong with it."""
    message = error.args[0] if isinstance(error, (SyntaxError, TokenError)) else error
    message = re.sub(
        r" \(detected at line \d+\)", "", f"{type(error).__name__}: {message}"
    )
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, TokenError):
        line = error.args[1][0]
    else:
        inside = [frame.lineno for frame in frames if frame.filename == str(file)]
        line = getattr(error, "lineno", None) or [1, *inside][-1]
    # Past parsing, Snakemake counts the lines of the Python that it made of the file.
    parsed = all(frame.name != "parse" for frame in frames)
    line = workflow.linemaps[str(file)].get(line, line) if parsed else line
    return f"{file.relative_to(PROJECT.root)}:{line}: {' '.join(message.split())}"


def include_rules(file):
    try:
        workflow.include(str(file))
    except Exception as error:
        stop(fault(file, error))


for ablation in PLAN.ablations:
    if PROJECT.rules_file(ablation).is_file():
        include_rules(PROJECT.rules_file(ablation))

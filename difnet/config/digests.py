"""YAML and JSON files that begin with the SHA-256 of all that follows: a changed bit or lost end is noticed.

A YAML file is the user's too: whoever edits one deletes the line, and nothing is compared.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from difnet.config.errors import InputError
from difnet.config.files import write_text

YAML_LINE = "# sha256 of what follows (delete this line to edit by hand): {}\n"
JSON_LINE = '{{\n "sha256": "{}",'
PATTERN = re.compile(r'(?:# sha256 of what follows .*: |\{\n "sha256": ")([0-9a-f]+)(?:\n|",)')


def digested(text: str, suffix: str) -> str:
    """The text of a file with its digest in front.

    Args:
        text: YAML, or a JSON object that is not empty.
        suffix: Of the file: `.yaml` or `.json`.
    """
    line, rest = (JSON_LINE, text.removeprefix("{")) if suffix == ".json" else (YAML_LINE, text)
    return line.format(hashlib.sha256(rest.encode()).hexdigest()) + rest


def write_digested(path: Path, text: str) -> None:
    """Write a file with its digest in front; one that says the same already stays.

    Raises:
        InputError: If it cannot be written.
    """
    whole = digested(text, path.suffix)
    if not path.is_file() or path.read_bytes() != whole.encode():
        write_text(path, whole)


def read_digested(path: Path) -> Any:
    """What a JSON file holds, after its digest was compared, if it has one.

    Raises:
        InputError: If the digest is not that of the rest.
        OSError: If it cannot be read.
        ValueError: If it is not JSON.
    """
    text = path.read_bytes().decode()
    content = json.loads(text)
    check_digest(path, text)
    return content


def check_digest(path: Path, text: str) -> None:
    """Compare the digest that a file begins with, if it does.

    Args:
        path: The file, for the message.
        text: What was read.

    Raises:
        InputError: If it is not that of the rest.
    """
    found = PATTERN.match(text)
    if found and hashlib.sha256(text[found.end() :].encode()).hexdigest() != found[1]:
        by_hand = "delete its first line if that was you, or " if path.suffix == ".yaml" else ""
        raise InputError(
            f"{path}: is not what was written: it was changed or cut short; {by_hand}make it again"
        )

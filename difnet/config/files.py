"""Reading and writing of small text files with errors on one line, and the project's root folder."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from difnet.config.errors import InputError

Schema = TypeVar("Schema", bound=BaseModel)


def project_root() -> Path:
    """The nearest folder, from the current one upwards, with `ablations/` and `workflow/benchmarks/`.

    Outside any project it is the checkout that this package was installed from.

    Raises:
        InputError: If neither is a project.
    """
    source = Path(__file__).resolve().parents[2]
    for folder in (Path.cwd(), *Path.cwd().parents, source):
        if (folder / "workflow" / "benchmarks").is_dir() and (folder / "ablations").is_dir():
            return folder
    raise InputError(f"{Path.cwd()} is not inside a DifNet-Bench checkout; change into one and try again")


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        InputError: If the file cannot be read, is not YAML, or is not a mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise InputError(f"{path}{line}: not valid YAML: {getattr(error, 'problem', error)}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds no keys; a mapping such as 'title: ...' is expected")
    return content


def validate(schema: type[Schema], values: dict[str, Any], source: str | Path) -> Schema:
    """Check values against a schema.

    Raises:
        InputError: For the first problem, with its key, the remedy and `source`.
    """
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            message = f"unknown key '{key}'{nearest(str(problem['loc'][-1]), _keys(schema))}"
        else:
            message = f"{key}: {problem['msg'][0].lower()}{problem['msg'][1:]} (found {problem['input']!r})"
        raise InputError(f"{source}: {message}") from error


def nearest(name: str, known: list[str]) -> str:
    """A remark that names the known word most like `name`, or lists the known ones."""
    matches = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean '{matches[0]}'?" if matches else f"; known are {', '.join(sorted(known))}"


def _keys(schema: type[BaseModel]) -> list[str]:
    """All keys of a schema and of its sections."""
    keys: list[str] = []
    for name, field in schema.model_fields.items():
        keys.append(name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += _keys(field.annotation)
    return keys


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`, brought to disk and renamed when the block ends, removed when it fails.

    Raises:
        InputError: If the folder cannot be written or the disk is full.
    """
    temporary = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written: {error.strerror or error}; free space or choose another folder"
        ) from error
    finally:
        if temporary.parent.is_dir():
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all.

    Raises:
        InputError: If the folder cannot be written or the disk is full.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_yaml(path: Path, values: dict[str, Any]) -> None:
    """Write a mapping as YAML, whole or not at all."""
    write_text(path, yaml.safe_dump(values, sort_keys=False, allow_unicode=True))

"""Reading and writing of small text files: a mistake in one is one line that names its place."""

from __future__ import annotations

import errno
import glob
import os
import re
import socket
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil
import yaml
from pydantic import BaseModel, ValidationError

from difnet.config.errors import InputError
from difnet.config.run_config import RunConfig
from difnet.config.suggestions import dotted_keys, nearest_key

Schema = TypeVar("Schema", bound=BaseModel)

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a disk, quota or limit that is exhausted."""


PLAIN = {
    r"a valid dictionary( or instance of \w+)?": "a mapping, {key: value}",
    "a valid (list|tuple)": "a list, [value, value]",
    "input should be False": "false",
}
"""Python's words for values, as YAML writes them."""


@dataclass(frozen=True)
class YamlFile:
    """A YAML file that holds a mapping.

    Attributes:
        shown: its path in messages.
        text: its content.
        values: the mapping.
    """

    shown: Path
    text: str
    values: dict[str, Any]

    def place(self, *keys: str | int) -> str:
        """`ablations/own.yaml:4`: the file and the line of a key in it, or of the key that encloses it."""
        line = self._line(keys)
        return f"{self.shown}{f':{line}' if line else ''}"

    def check(self, schema: type[Schema], values: dict[str, Any] | None = None) -> Schema:
        """The values as an object of a schema.

        Args:
            schema: What they must be.
            values: What to check in place of the file's own values: what they lead to.

        Raises:
            InputError: For the first problem, with the line of its key and the remedy.
        """
        try:
            return validate(schema, self.values if values is None else values)
        except BadKeyError as error:
            raise InputError(f"{self.place(*error.keys)}: {error}") from error

    def _line(self, keys: Sequence[str | int]) -> int | None:
        node = yaml.compose(self.text, Loader=yaml.SafeLoader)
        line: int | None = None
        for key in keys:
            entries: list[tuple[object, yaml.Node, yaml.Node]] = []
            if isinstance(node, yaml.MappingNode):
                entries = [(name.value, name, value) for name, value in node.value]
            elif isinstance(node, yaml.SequenceNode):
                entries = [(position, value, value) for position, value in enumerate(node.value)]
            found = next(((place, value) for name, place, value in entries if name == key), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        return line


def read_yaml(path: Path, shown: Path | None = None) -> YamlFile:
    """Read a YAML file.

    Args:
        path: The file.
        shown: Its path in messages where that is another.

    Raises:
        InputError: If the file cannot be read, is not YAML, holds a key twice or no mapping.
    """
    shown = shown or path
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{shown}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{shown}: not valid YAML: {error}") from error
    try:
        content = parse_yaml(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = " ".join(str(getattr(error, "problem", error)).split())
        raise InputError(f"{shown}{line}: not valid YAML: {problem}") from error
    if not isinstance(content, dict):
        raise InputError(f"{shown}: holds no keys; a mapping such as 'title: ...' is expected")
    return YamlFile(shown, text, content)


def parse_yaml(text: str) -> Any:
    """What YAML text says, by the plain types of YAML 1.2: `yes` and `1:30` are words, a date is one too.

    Raises:
        yaml.YAMLError: If it is not YAML, or more than these types can hold.
    """
    try:
        return yaml.load(text, _StrictLoader)
    except RecursionError as error:
        raise yaml.YAMLError("it is nested too deeply") from error
    except ValueError as error:  # a number of thousands of digits
        raise yaml.YAMLError(str(error)) from error


class _StrictLoader(yaml.SafeLoader):
    """Refuses half characters, and a key that is no word or number, or stands twice: YAML takes the last."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        value = super().construct_scalar(node)
        if re.search("[\ud800-\udfff]", value):
            problem = "half of a surrogate pair is no character"
            raise yaml.constructor.ConstructorError(problem=problem, problem_mark=node.start_mark)
        return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for name, _ in node.value:
            if not isinstance(name, yaml.ScalarNode):
                problem = "a key is a word or a number, no list or mapping; quote what begins with a brace"
                raise yaml.constructor.ConstructorError(problem=problem, problem_mark=name.start_mark)
            if name.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key '{name.value}' is there twice", problem_mark=name.start_mark
                )
            seen.add(name.value)
        return super().construct_mapping(node, deep=deep)


for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"null|~|", ["n", "~", ""]),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("merge", r"<<", "<"),
):
    _expression = re.compile(f"^(?:{_pattern})$")
    _StrictLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _expression, list(_first))


class BadKeyError(InputError):
    """Values that do not fit a schema; `keys` is the path of the first, `problem` what is wrong."""

    def __init__(self, message: str, keys: list[str | int], problem: str) -> None:
        super().__init__(message)
        self.keys = keys
        self.problem = problem


def validate(schema: type[Schema], values: dict[str, Any], source: object = "") -> Schema:
    """Check values against a schema.

    Args:
        schema: What the values must be.
        values: The values.
        source: Where they come from, for the message.

    Raises:
        BadKeyError: For the first problem, with its key and the remedy.
    """
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        # A misspelt key is often missing under its right name: the misspelling comes first.
        problems = sorted(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
        keys = _path(values, problems[0]["loc"])
        key = ".".join(str(part) for part in keys)
        place = ""
        if problems[0]["type"] == "extra_forbidden":
            problem = f"unknown key '{key}'{nearest_key(key, _valid_keys(schema))}"
        elif problems[0]["type"] == "missing":
            problem = f"the key '{'.'.join(str(part) for part in problems[0]['loc'])}' is missing"
        else:
            same = [
                found["msg"].removeprefix("Value error, ")
                for found in problems
                if _path(values, found["loc"]) == keys
            ]
            wanted = " or ".join(dict.fromkeys(f"{words[0].lower()}{words[1:]}" for words in same))
            for kind, words in PLAIN.items():
                wanted = re.sub(kind, words, wanted)
            place, problem = f"{key}: ", f"{wanted} (found {problems[0]['input']!r})"
        source = f"{source}: " if source else ""
        raise BadKeyError(f"{source}{place}{problem}", keys, problem) from error


def _path(values: Any, location: tuple[str | int, ...]) -> list[str | int]:
    """The part of pydantic's location that is a path of keys, without the names of the types it tried."""
    keys: list[str | int] = []
    for part in location:
        in_list = isinstance(values, (list, tuple)) and isinstance(part, int)
        if in_list or (isinstance(values, dict) and part in values):
            values = values[part]
            keys.append(part)
    return keys


def _valid_keys(schema: type[BaseModel]) -> list[str]:
    """The keys of a schema; an ablation has those of a run in `model`, `train` and `evaluate`."""
    of_a_run = dotted_keys(RunConfig) if "model" in schema.model_fields else []
    return list(dict.fromkeys([*dotted_keys(schema), *(key for key in of_a_run if "." in key)]))


def not_written(path: Path, error: OSError, remedy: str = "choose another folder") -> InputError:
    """The error of a file or folder that cannot be written; on a full disk, freeing space is a remedy too."""
    room = "free space or " if error.errno in NO_ROOM else ""
    return InputError(f"{path}: cannot be written: {error.strerror or error}; {room}{remedy}")


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`, brought to disk and renamed when the block ends, removed when it fails.

    No other process has the same. What a killed process of this machine left is removed by the next.

    Raises:
        InputError: If the folder cannot be written or the disk is full.
    """
    host = f".{path.stem}.{socket.gethostname()}-"
    temporary = path.with_name(f"{host}{os.getpid()}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f"{glob.escape(host)}*.partial{path.suffix}"):
            if not psutil.pid_exists(int(left.name.removeprefix(host).partition(".")[0])):
                left.unlink(missing_ok=True)
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise not_written(path, error) from error
    finally:
        with suppress(OSError):  # where nothing can be written, nothing is left
            temporary.unlink()


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

"""Problems with single files, gathered so that the user learns about all of them at once."""

from __future__ import annotations

from difnet.config import InputError

SHOWN = 10
LONGEST = 1000
"""Characters of one name in a message: more than any path that is not meant as mischief."""


class FileError(Exception):
    """One file is not as it should be.

    Args:
        kind: What is wrong and what to do, the same text for every file with this problem.
        file: The file, with details where they help.
    """

    other: FileError | None = None
    """What is wrong with the other file of a pair, if anything."""

    def __init__(self, kind: str, file: str) -> None:
        super().__init__(f"{kind}: {file}")
        self.kind = kind
        self.file = file


class Problems:
    """The problems found so far, by kind."""

    def __init__(self) -> None:
        self._files: dict[str, list[str]] = {}

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._files)

    def add(self, problem: FileError) -> None:
        """Note one more, and the one of the other file."""
        self._files.setdefault(problem.kind, []).append(problem.file)
        if problem.other:
            self.add(problem.other)

    def raise_if_any(self, source: str) -> None:
        """End with one line: for every kind the first ten files and the count.

        Raises:
            InputError: If there are problems; the message starts with `source`.
        """
        if self:
            kinds = "; also ".join(f"{kind}: {listed(files)}" for kind, files in self._files.items())
            raise InputError(f"{source}: {kinds}")


def listed(files: list[str]) -> str:
    """The first ten and, where there are more, the count."""
    names = ", ".join(_shown(file) for file in files[:SHOWN])
    return names if len(files) <= SHOWN else f"{names}, ... ({len(files)} in all)"


def _shown(file: str) -> str:
    """As text on one line, whatever a name or a damaged list holds."""
    characters = file if len(file) <= LONGEST else f"{file[:LONGEST]}..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in characters)

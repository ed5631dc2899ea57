"""Diffusion rules of the user's own: `ablations/NAME.py` with one class that satisfies `Diffusion`."""

from __future__ import annotations

import hashlib
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from difnet.config import DIFFUSIONS, InputError, RunError, nearest

MODULE_PREFIX = "difnet_ablation_"


def load_diffusion(root: Path, name: str) -> type[nn.Module]:
    """The class in `ablations/NAME.py`; names of other classes of the file begin with an underscore.

    Args:
        root: The project's folder.
        name: Name of the file without `.py`.

    Raises:
        InputError: If the file does not exist, cannot be imported or breaks the protocol: the message names
            file and line.
    """
    path = root / "ablations" / f"{name}.py"
    files = {rule.stem: rule for rule in path.parent.glob("*.py")}
    if name not in files:
        remedy = nearest(name, [*DIFFUSIONS, *files])
        raise InputError(f"model.diffusion: no rule '{name}' and no file ablations/{name}.py{remedy}")
    module = _import(path)
    classes = [
        member
        for member in vars(module).values()
        if inspect.isclass(member)
        and member.__module__ == module.__name__
        and not member.__name__.startswith("_")
    ]
    if not classes:
        raise InputError(f"{place(path, 1)}: defines no class; one is expected, a torch.nn.Module")
    if len(classes) > 1:
        raise InputError(
            f"{place(path, classes[1])}: a second class, '{classes[1].__name__}'; keep one, "
            "and begin the names of helpers with an underscore"
        )
    return _checked(classes[0], path)


def is_custom(rule: nn.Module) -> bool:
    """Whether the class of a rule stands in `ablations/`."""
    return type(rule).__module__.startswith(MODULE_PREFIX)


def file_of(rule: type[nn.Module]) -> Path:
    """The file that a rule of the user's own stands in."""
    return Path(str(sys.modules[rule.__module__].__file__))


@contextmanager
def mistakes_in(path: Path, doing: str) -> Iterator[None]:
    """Turn an exception from the user's file into one line that names the line of the file."""
    try:
        yield
    except (InputError, RunError, torch.OutOfMemoryError):
        raise
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        line = next((frame.lineno for frame in reversed(frames) if frame.filename == str(path)), None)
        message = " ".join(str(error).split())
        raise InputError(
            f"{place(path, line or 1)}: {doing} failed: {type(error).__name__}: {message}"
        ) from error


def place(path: Path, at: Callable[..., Any] | int) -> str:
    """File and line, of the user's mistake or of a class or function."""
    line = at if isinstance(at, int) else _line(at, path)
    return f"{path.parent.name}/{path.name}:{line}"


def _line(definition: Callable[..., Any], path: Path) -> int:
    """Line of a class or function; 1 where another file defines it."""
    with suppress(OSError, TypeError):
        if inspect.getsourcefile(definition) == str(path):
            return inspect.getsourcelines(definition)[1]
    return 1


def _import(path: Path) -> ModuleType:
    """The module in a file, imported once for each content of the file, without leaving byte code behind."""
    source = path.read_bytes()
    name = f"{MODULE_PREFIX}{path.stem}_{hashlib.sha256(bytes(path) + source).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    try:
        code = compile(source, str(path), "exec")
    except (SyntaxError, ValueError) as error:
        line, problem = getattr(error, "lineno", None) or 1, getattr(error, "msg", error)
        raise InputError(f"{place(path, line)}: not valid Python: {problem}") from error
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module
    try:
        with mistakes_in(path, "importing the file"):
            exec(code, module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _checked(rule: type[object], path: Path) -> type[nn.Module]:
    """The class, if it satisfies `Diffusion`."""
    where = place(path, rule)
    if not issubclass(rule, nn.Module):
        raise InputError(f"{where}: class '{rule.__name__}' is not a torch.nn.Module; derive it from that")
    for method, arguments in (("__init__", ("config",)), ("forward", ("levels", "seeds"))):
        wanted = f"def {method}(self, {', '.join(arguments)})"
        function = getattr(rule, method)
        if function is getattr(nn.Module, method):
            raise InputError(f"{where}: class '{rule.__name__}' lacks '{wanted}'")
        try:
            inspect.signature(function).bind(None, *arguments)
        except TypeError as error:
            raise InputError(
                f"{place(path, function)}: '{rule.__name__}.{method}' must take "
                f"({', '.join(arguments)}): {error}; write '{wanted}'"
            ) from error
    return rule

"""Diffusion rules of the user's own: `ablations/NAME.py` with one class that satisfies `Diffusion`.

B batch, C classes, D embedding, N nodes.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from difnet.config import DIFFUSIONS, InputError, ModelConfig, RunError, nearest

MODULE_PREFIX = "difnet_ablation_"


def load_diffusion(root: Path, name: str) -> type[nn.Module]:
    """The class in `ablations/NAME.py`.

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
        raise InputError(f"{_place(path, 1)}: defines no class; one is expected, a torch.nn.Module")
    if len(classes) > 1:
        raise InputError(
            f"{_place(path, _line(classes[1], path))}: a second class, '{classes[1].__name__}'; keep one, "
            "and begin the names of helpers with an underscore"
        )
    return _checked(classes[0], path)


def instantiate(rule: type[nn.Module], config: ModelConfig) -> nn.Module:
    """An object of a class that `load_diffusion` returned.

    Raises:
        InputError: If its `__init__` fails: the message names file and line.
    """
    with _mistakes_in(_file(rule), "building the rule"):
        return rule(config)


def apply_rule(rule: nn.Module, levels: list[Tensor], seeds: Tensor) -> Tensor:
    """Call a diffusion rule; one of the user's own is held to the protocol.

    Args:
        rule: Of the library, or of the user's own.
        levels: (B, D, N), one tensor a level.
        seeds: (B, C, N).

    Returns:
        (B, C, N).

    Raises:
        InputError: If a rule of the user's own fails or returns anything else, with file and line.
    """
    if not type(rule).__module__.startswith(MODULE_PREFIX):
        return rule(levels, seeds)  # type: ignore[no-any-return]
    path = _file(type(rule))
    with _mistakes_in(path, "diffusing the seeds"):
        result = rule(levels, seeds)
    if not isinstance(result, Tensor) or result.shape != seeds.shape:
        found = tuple(result.shape) if isinstance(result, Tensor) else type(result).__name__
        raise InputError(
            f"{_place(path, _line(type(rule).forward, path))}: forward returned {found}; "
            f"a tensor of the seeds' shape {tuple(seeds.shape)} is expected"
        )
    return result


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
        raise InputError(f"{_place(path, line)}: not valid Python: {problem}") from error
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module
    try:
        with _mistakes_in(path, "importing the file"):
            exec(code, module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _checked(rule: type[object], path: Path) -> type[nn.Module]:
    """The class, if it satisfies `Diffusion`."""
    where = _place(path, _line(rule, path))
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
                f"{_place(path, _line(function, path))}: '{rule.__name__}.{method}' must take "
                f"({', '.join(arguments)}): {error}; write '{wanted}'"
            ) from error
    return rule


@contextmanager
def _mistakes_in(path: Path, doing: str) -> Iterator[None]:
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
            f"{_place(path, line or 1)}: {doing} failed: {type(error).__name__}: {message}"
        ) from error


def _place(path: Path, line: int) -> str:
    return f"{path.parent.name}/{path.name}:{line}"


def _file(rule: type[nn.Module]) -> Path:
    return Path(str(sys.modules[rule.__module__].__file__))


def _line(definition: Callable[..., Any], path: Path) -> int:
    """Line of a class or function; 1 where another file defines it."""
    try:
        if inspect.getsourcefile(definition) == str(path):
            return inspect.getsourcelines(definition)[1]
    except (OSError, TypeError):
        pass
    return 1

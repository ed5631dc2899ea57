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
NODES_TRIED = 64
LARGEST_DIFFERENCE = 0.01
"""Relative to the largest value: what two results that should be equal may differ by."""


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
        InputError: If its `__init__` fails, or it is not what its class declares: the message names file and
            line.
    """
    with _mistakes_in(_file(rule), "building the rule"):
        built = rule(config)
    if torch.get_default_device().type != "meta":  # there, nothing has a value
        _try_declared(built.eval(), config)
    return built.train()


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
    if not _is_custom(rule):
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


def is_linear(rule: object) -> bool:
    """Whether the class of a rule declares `linear = True`; a layer of that name is no declaration."""
    return _declared(rule, "linear") is True


@torch.no_grad()
def check_linear(rule: nn.Module, levels: list[Tensor]) -> None:
    """Hold a rule of the user's own that declares itself linear to f(2x - 3y) = 2 f(x) - 3 f(y).

    Random x and y and their combination are three classes of one signal: a rule that mixes classes is noticed
    as well.

    Args:
        rule: In evaluation mode.
        levels: (1, D, N) each.

    Raises:
        InputError: If it is not linear, with file and line.
    """
    if not _is_custom(rule):
        return
    x, y = torch.rand(2, levels[0].shape[2], generator=torch.Generator().manual_seed(0)).to(levels[0])
    fx, fy, together = apply_rule(rule, levels, torch.stack([x, y, 2 * x - 3 * y])[None])[0]
    if _differ(together, 2 * fx - 3 * fy):
        own, path = type(rule), _file(type(rule))
        raise InputError(
            f"{_place(path, _line(own, path))}: '{own.__name__}' declares linear = True, but is not linear "
            "in the seeds, each class alone; change the rule, or remove the declaration"
        )


def has_states(rule: object) -> bool:
    """Whether the class of a rule declares the method `states`."""
    return callable(_declared(rule, "states"))


def states_of(rule: nn.Module, levels: list[Tensor], seeds: Tensor) -> list[Tensor]:
    """Call `states` of a diffusion rule; one of the user's own is held to the protocol.

    Args:
        rule: Of the library, or of the user's own.
        levels: (B, D, N), one tensor a level.
        seeds: (B, C, N).

    Returns:
        (B, C, N), the signal after the walks of each level.

    Raises:
        InputError: If a rule of the user's own fails or returns anything else, with file and line.
    """
    call: Callable[[list[Tensor], Tensor], list[Tensor]] = rule.states  # type: ignore[assignment]
    if not _is_custom(rule):
        return call(levels, seeds)
    path = _file(type(rule))
    with _mistakes_in(path, "computing the states"):
        states = list(call(levels, seeds))
        shapes = [state.shape for state in states]
    if shapes != [seeds.shape] * len(levels) or _differ(states[-1], apply_rule(rule, levels, seeds)):
        raise InputError(
            f"{_place(path, _line(call, path))}: states must return one tensor of the seeds' shape "
            f"{tuple(seeds.shape)} for each of the {len(levels)} levels, the last what forward returns"
        )
    return states


def _declared(rule: object, name: str) -> object:
    """What the class of a rule declares; of a class that it extends, only together with its `forward`."""
    for member in type(rule).__mro__:
        if name in vars(member):
            return vars(member)[name]
        if "forward" in vars(member):
            break
    return None


def _try_declared(rule: nn.Module, config: ModelConfig) -> None:
    """Notice a wrong declaration before anything is trained: to correct it afterwards is to train again."""
    generator = torch.Generator().manual_seed(0)
    shape = (1, config.embedding_dim, NODES_TRIED)
    levels = [torch.rand(shape, generator=generator) for _ in config.levels]
    if is_linear(rule):
        check_linear(rule, levels)
    if has_states(rule):
        with torch.no_grad():
            states_of(rule, levels, torch.rand(1, 3, NODES_TRIED, generator=generator))


def _is_custom(rule: nn.Module) -> bool:
    return type(rule).__module__.startswith(MODULE_PREFIX)


def _differ(one: Tensor, other: Tensor) -> bool:
    """Whether two results that should be equal are not, beyond rounding and the tolerance of a solver."""
    return not bool((one - other).abs().max() <= LARGEST_DIFFERENCE * other.abs().max())


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

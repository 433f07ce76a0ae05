"""How Python becomes machine code here: one cache that sees every edit, one decorator for rules, one for loops.

Numba's own cache looks at the file of the compiled function only: an edited rule would keep its old value inside a
cached loop. So the cache folder carries the hash of all source files of the package and the version of Numba, and is
chosen before Numba is imported. Where no folder can be written, nothing is cached.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def source_hash(package: Path) -> str:
    """Hash of all ``*.py`` files below `package`, by path and content."""
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def user_cache() -> Path:
    """The folder where this user's programs keep what can be made again."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def writable_cache() -> Path | None:
    """Our cache folder for this state of the source, or None where nothing can be written."""
    folder = user_cache() / "senodrift" / f"{SOURCES}-{version('numba')}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return None


SOURCES = source_hash(Path(__file__).parent)  # as this process imports them, whatever is edited later
_CACHE = writable_cache()
if _CACHE is not None:
    os.environ["NUMBA_CACHE_DIR"] = str(_CACHE)
os.environ["NUMBA_DISABLE_INTEL_SVML"] = "1"  # vector mathematics would change last bits

import numba  # noqa: E402
from numba.core import types  # noqa: E402
from numba.core.errors import TypingError  # noqa: E402
from numba.extending import overload  # noqa: E402

if _CACHE is not None:
    numba.config.CACHE_DIR = str(_CACHE)  # type: ignore[attr-defined]  # also when somebody imported Numba before us


def rule(function: F) -> F:
    """Make a scalar function callable from compiled loops; from Python it stays the plain function it is.

    Every argument must be float64 when called from a loop (`x**3` and `x**3.0` differ in the last bit), so a loop that
    passes an integer or a float32 does not compile.
    """
    count = function.__code__.co_argcount

    def typed(*args: Any) -> Callable[..., Any]:
        if len(args) != count or any(arg != types.float64 for arg in args):
            raise TypingError(f"rule {function.__name__} takes {count} float64 arguments, got {args}")
        return function

    overload(function, jit_options={"error_model": "numpy"}, strict=False)(typed)
    return function


def kernel(function: F) -> F:
    """Compile `function`, a loop over arrays: without the interpreter lock, IEEE arithmetic, no re-association.

    Loops of the package are cached. Those of users are not: our cache does not see when what they call is edited.
    """
    ours = function.__module__.partition(".")[0] == __name__.partition(".")[0]
    compiled: F = numba.njit(**{**_EXACT, "cache": _EXACT["cache"] and ours})(function)
    return compiled


def inlined(function: F) -> F:
    """Compile a piece of a loop that is copied into its callers.

    A call that is not inlined forbids vectors and counts references of every array that it is handed (50-90 ns).
    """
    compiled: F = numba.njit(forceinline=True, **_EXACT)(function)
    return compiled


def _trailing_zeros(context: Any, word: Any) -> Any:
    """Number of zeros below the lowest 1 of a uint64 that is not 0: one machine instruction, in loops only."""

    def generated(_: Any, builder: Any, signature: Any, words: Any) -> Any:
        return builder.cttz(words[0], numba.core.cgutils.true_bit)

    return types.uint64(word), generated


trailing_zeros: Any = numba.extending.intrinsic(_trailing_zeros)


_EXACT: dict[str, Any] = {"cache": _CACHE is not None, "nogil": True, "error_model": "numpy", "fastmath": False}

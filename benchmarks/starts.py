"""Start-up: importing the package, the first start of all (which compiles), and every start after it."""

from __future__ import annotations

import os
import subprocess
import sys
from tempfile import TemporaryDirectory

from benchmarks.commands import FIRST_STEP
from benchmarks.protocol import HERE, Report, Row, fresh, in_turns, seconds, spread

IMPORTS = "import numba, scipy, scipy.fft, scipy.spatial, scipy.special, pandas, matplotlib.figure, mesa"
SKIN_GRAFT = FIRST_STEP.format(name="skin_graft")


def starts() -> Report:
    """Fresh processes, the interpreter included."""
    turns = in_turns(5, lambda: fresh(SKIN_GRAFT), lambda: fresh(IMPORTS), lambda: fresh("import sim"))
    text = f"{turns.ratio(0, 1):.2f} ({turns.median(0):.1f} s over {turns.median(1):.1f} s)"
    what = "second start to the end of the first step, over bare imports"
    yield Row(what, text, "at most 3", turns.ratio(0, 1) <= 3)
    text = f"{spread(turns.times[:, 2])} s"
    yield Row("`import sim` in a fresh process", text, "under 1.5 s", turns.median(2) < 1.5)
    yield Row("first start of all, which compiles, to the end of the first step", f"{seconds(first_of_all):.0f} s")


def first_of_all() -> None:
    """The first step with nothing in the cache of compiled loops."""
    with TemporaryDirectory() as empty:
        cache = {"XDG_CACHE_HOME": empty}  # on Linux: see sim.compiling.user_cache
        subprocess.run([sys.executable, "-c", SKIN_GRAFT], check=True, cwd=HERE.parent, env=os.environ | cache)

"""Libraries that only some doors need: one line where they are missing, and nobody pays for them who does not ask."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from sim.errors import ResourceError
from sim.extras import EXTRAS, extra

HOME = Path(__file__).parents[2]
BROUGHT_BY = {
    "solara_assets": "solara-assets",
    "mesa.visualization": "mesa",
    "solara": "mesa",
    "imageio_ffmpeg": "imageio-ffmpeg",
}


@pytest.mark.parametrize("library", EXTRAS)
def test_a_missing_library_is_one_line_that_says_what_to_install(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    words = (
        rf"^door: key: needs {library.split('.')[0]}, which is not there: pip install 'senodrift\[{EXTRAS[library]}\]'"
    )
    with pytest.raises(ResourceError, match=words):
        extra(library, "door: key")


def test_every_extra_is_in_the_project() -> None:
    extras = tomllib.loads((HOME / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for library, name in EXTRAS.items():
        brought = {re.split(r"[\[<>=]", line)[0].lower() for line in extras[name]}
        assert BROUGHT_BY.get(library, library) in brought, library


def test_importing_the_package_opens_no_door() -> None:
    """Nor does loading a scenario; a wall clock is no test, so `make bench` times it."""
    heavy = {library.split(".")[0] for library in EXTRAS} - {"mesa"} | {"matplotlib"}
    code = f"import sys, sim; sim.load, sim.Scenario; print(*sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=HOME, capture_output=True, text=True, check=True)
    assert done.stdout == "\n"

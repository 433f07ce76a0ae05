"""Imported first, so that what all tests share (tests/*.py) is found, also where a file here is run as a script."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

"""The browser of this machine, for tests that look at a page as a reader does."""

from __future__ import annotations

import os
import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
in_a_browser = pytest.mark.skipif(
    CHROMIUM is None and not os.environ.get("CI"),  # there `.ci/run` installs it, and a silent skip would be a lie
    reason="needs a browser: chromium is not there",
)

"""The picture of docs/report.md, from the scenario of `make run`: ``python docs/make_report.py`` (needs a Chromium)."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

import sim

HERE = Path(__file__).parent
SIZE = {"width": 1000, "height": 1150}  # pixels of the page that are shown


def main() -> None:
    """Write docs/images/report.png."""
    scenario = sim.load(HERE.parent / "configs" / "skin_graft.yaml", {"replicates": 3})
    with tempfile.TemporaryDirectory() as folder:
        page = sim.write_report(sim.run(scenario, workers=2), Path(folder) / "report.html")
        with sync_playwright() as tools:
            chromium = tools.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            tab = chromium.new_context(offline=True, viewport=SIZE).new_page()
            tab.goto(page.as_uri())
            shot = Path(folder) / "report.png"
            tab.screenshot(path=shot)
            chromium.close()
        with Image.open(shot) as whole:
            few = whole.convert("RGB").quantize(64, dither=Image.Dither.NONE)
            few.save(HERE / "images" / "report.png", optimize=True)


if __name__ == "__main__":
    main()

"""Make docs/images/app.png, the screenshot of docs/app.md: `python docs/make_app.py` (needs Chromium, extra `test`)."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

PICTURE = Path(__file__).with_name("images") / "app.png"


def main() -> None:
    """Play the example, graft by a click in one arm, play on, and take a picture."""
    command = [sys.executable, "-m", "sim", "app", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+", server.stdout.readline())
            assert found is not None
            with sync_playwright() as playwright:
                chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
                page = chromium.new_page(viewport={"width": 1280, "height": 960})
                page.goto(found.group())
                _use(page)
                page.screenshot(path=PICTURE)
                chromium.close()
        finally:
            server.send_signal(signal.SIGINT)


def _use(page: Page) -> None:
    page.wait_for_selector(".sd-map img")
    _play_to(page, 30)
    _choose(page, "sd-clicks", "graft senescent cells")
    _choose(page, "sd-in", "graft")
    page.wait_for_selector(".sd-acts")
    page.click("[data-arm=graft] .sd-tissue", position={"x": 70, "y": 60})
    page.wait_for_selector(".sd-change")
    _play_to(page, 60)
    page.hover("[data-arm=graft] .sd-tissue", position={"x": 146, "y": 140})
    page.wait_for_selector(".sd-pointer b")


def _play_to(page: Page, day: float) -> None:
    page.click(".sd-play >> text=Play")
    page.wait_for_function(
        "day => parseFloat(document.querySelector('.sd-day').textContent) >= day", arg=day, timeout=0
    )
    page.click(".sd-play >> text=Pause")
    page.wait_for_selector(".sd-play >> text=Play")


def _choose(page: Page, which: str, option: str) -> None:
    page.click(f".{which} .v-select__slot")
    page.click(f".menuable__content__active .v-list-item >> text='{option}'")


if __name__ == "__main__":
    main()

"""The server of the page: on this machine only, until Ctrl-C."""

from __future__ import annotations

import os
import socket
import threading
import time
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sim.app.live import Live
from sim.errors import ResourceError, ScenarioError, did_you_mean
from sim.extras import extra
from sim.scenario.load import Scenario

HOST = "127.0.0.1"
PAGE = "sim.app.page"
EXAMPLE = Path(__file__).with_name("graft_in_skin.yaml")  # what is shown where nothing is named
FAREWELL = 1  # s that open pages get to leave

_chosen: list[tuple[Scenario, list[str] | None]] = []


def scenario() -> Scenario:
    """What pages show."""
    return _chosen[-1][0]


def arms() -> list[str] | None:
    """Arms that pages show at first; None for the usual ones."""
    return _chosen[-1][1]


def check_extras() -> None:
    """ResourceError unless the libraries of the page are there."""
    for library in ("solara", "solara_assets"):
        extra(library, "app")


def serve(shown: Scenario, names: Sequence[str] | None = None, port: int = 0, browser: bool = True) -> None:
    """Show a scenario until Ctrl-C.

    Parameters
    ----------
    shown
        What every page begins with; each open page has runs of its own.
    names
        Arms to show; if not given, the first three.
    port
        Of this machine; 0 for one that is free.
    browser
        Whether to open one.

    Raises
    ------
    ResourceError
        If a library is missing or the port is taken.
    ScenarioError
        If there are no cells to look at.
    """
    check_extras()
    _check(shown, names)
    _chosen.append((shown, None if names is None else list(names)))
    server, listening = _server(), _listen(port)
    address = f"http://localhost:{listening.getsockname()[1]}"
    print(f"{shown.name}: a live tissue at {address}  (end with Ctrl-C)", flush=True)
    if browser:
        threading.Thread(target=_open, args=(server, address), daemon=True).start()
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        return


def _server() -> Any:
    """Uvicorn with Solara's application, which finds our page by its name; it reports home to nobody."""
    import uvicorn
    from solara.server import settings

    os.environ["SOLARA_APP"] = PAGE
    settings.main.mode = "production"  # no watch on the source files
    settings.telemetry.mixpanel_enable = False
    settings.theme.show_banner = False
    settings.theme.title = "Senodrift"
    config = uvicorn.Config(
        "solara.server.starlette:app", log_level="warning", timeout_graceful_shutdown=FAREWELL, lifespan="on"
    )
    return uvicorn.Server(config)


def _check(shown: Scenario, names: Sequence[str] | None) -> None:
    """What cannot be is said before there is a page."""
    for name in names or ():
        if name not in shown.arms:
            near = did_you_mean(name, shown.arms)
            raise ScenarioError(f"{shown.file}: arms.{name}: unknown arm{near}, known: {', '.join(shown.arms)}")
    try:
        Live(shown, names)
    except ScenarioError as error:
        raise ScenarioError(f"{shown.file}: {error}") from None


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        raise ResourceError(f"app: --port: must be free, got {port} ({error.strerror})") from None


def _open(server: Any, address: str) -> None:
    while not server.started:
        time.sleep(0.05)
    webbrowser.open(address)

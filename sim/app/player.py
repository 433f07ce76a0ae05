"""A thread that lets the runs go on: play, catch up, and what was asked for in between, one after the other."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

from sim.app.live import Live
from sim.errors import SimError

FRAME = 0.1  # s between two pictures; a browser keeps up with ten a second
CATCHING_UP = 0.5  # s between two pictures on the way to the day shown: those in between take time


class Player:
    """Plays a `Live`; every touch of it comes through `do`, in order, on one thread.

    Parameters
    ----------
    live : Live
    show : callable
        Told after every picture's worth of steps and after every deed; reads `live` as it likes, on the same thread.

    Attributes
    ----------
    playing : bool
        Whether it goes on by itself.
    busy : bool
        Whether it is at work.
    steps : int
        Steps from one picture to the next.
    complaint : str
        What the last deed ran into; one line, or nothing.
    """

    def __init__(self, live: Live, show: Callable[[], None]) -> None:
        self.live, self._show = live, show
        self.playing = self.busy = False
        self.steps, self.complaint = 1, ""
        self._deeds: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="player", daemon=True)
        self._thread.start()

    def do(self, deed: Callable[[], object]) -> None:
        """Do this as soon as the step at hand is done."""
        self._deeds.put(deed)

    def play(self) -> None:
        """Go on until `pause` or the end."""
        self.do(lambda: setattr(self, "playing", True))

    def pause(self) -> None:
        """Stay on the day that is reached, also on the way to another."""

        def stay() -> None:
            self.playing = False
            self.live.stay()

        self.do(stay)

    def step(self) -> None:
        """One step, and no more."""

        def once() -> None:
            self.playing = False
            self.live.step()

        self.do(once)

    def close(self) -> None:
        """End the thread after the step at hand."""
        self._deeds.put(None)

    def _work(self) -> None:
        while True:
            goes_on = self.live.behind or (self.playing and not self.live.finished)
            if goes_on and self._deeds.empty():
                self._try(self._go_on)
            else:
                if self.busy and self._deeds.empty():  # nothing more comes
                    self.busy = self.playing = False
                    self._show()
                deed = self._deeds.get()
                if deed is None:
                    return
                self.busy, self.complaint = True, ""
                self._try(deed)
            self._show()

    def _try(self, deed: Callable[[], object]) -> None:
        """Do it; what cannot be is a complaint for the reader, and playing stops."""
        try:
            deed()
        except SimError as error:
            self.complaint, self.playing = str(error), False
        except Exception as error:  # a fault of ours: the page says so, and does not stand still without a word
            self.complaint, self.playing = f"{type(error).__name__}: {error}", False
            self.live.stay()

    def _go_on(self) -> None:
        """Steps up to the next picture, not faster than a browser can show them."""
        start = time.perf_counter()
        if self.live.behind:
            while self.live.behind and self._deeds.empty() and time.perf_counter() - start < CATCHING_UP:
                self.live.step()
            return
        for _ in range(self.steps):
            self.live.step()
        left = FRAME - (time.perf_counter() - start)
        if left > 0.0:
            time.sleep(left)

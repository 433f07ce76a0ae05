"""Figures of a sweep by name: ``sweep.plot.map()`` returns a Matplotlib figure that can be edited and saved."""

from __future__ import annotations

from matplotlib.figure import Figure

from sim.analysis.sensitivity import sensitivity
from sim.figures.interactions import interactions
from sim.figures.sensitivity import tornado
from sim.figures.sweep import sweep_lines_figure, sweep_points, sweep_scatter
from sim.figures.sweep_maps import sweep_map, tipping_map
from sim.sweeps import SweepResults


class SweepPlots:
    """Figures of the `results` of a sweep: ``sweep.plot.lines()``.

    All of them take the same words: `outcome`, a column of the outcomes; `tissue`, `arm` and `baseline` by name, the
    first one or all if not given; `threshold`, in the unit of the outcome.
    """

    def __init__(self, results: SweepResults) -> None:
        self._results = results

    def lines(self, outcome: str = "burden", tissue: str | None = None) -> Figure:
        """The outcome along the one key that varies: mean and interval, a line per arm."""
        return sweep_lines_figure(self._results, outcome, tissue)

    def map(self, outcome: str = "burden", tissue: str | None = None) -> Figure:
        """The outcome over a grid of two keys, per arm, and its paired difference from the first arm."""
        return sweep_map(self._results, outcome, tissue)

    def tipping(self, outcome: str = "burden", tissue: str | None = None, threshold: float | None = None) -> Figure:
        """Over a grid of two keys: the share of replicates above a threshold, and how far they part."""
        return tipping_map(self._results, outcome, tissue, threshold)

    def scatter(self, outcome: str = "burden", tissue: str | None = None) -> Figure:
        """The outcome against each key that varies, a point for each design point and arm."""
        return sweep_scatter(self._results, outcome, tissue)

    def points(self, outcome: str = "burden", tissue: str | None = None) -> Figure:
        """The outcome point by point: mean and interval, a mark per arm."""
        return sweep_points(self._results, outcome, tissue)

    def tornado(
        self, outcome: str = "burden", arm: str | None = None, tissue: str | None = None, baseline: str | None = None
    ) -> Figure:
        """Parameters by how much the outcome depends on them; arguments as of `sim.sensitivity`."""
        return tornado(self._results, sensitivity(self._results, outcome, arm, tissue, baseline))

    def interactions(
        self, outcome: str = "burden", arm: str | None = None, tissue: str | None = None, baseline: str | None = None
    ) -> Figure:
        """What two parameters do together; arguments as of `sim.sensitivity`."""
        return interactions(self._results, sensitivity(self._results, outcome, arm, tissue, baseline))

    def __repr__(self) -> str:
        names = [name for name in vars(SweepPlots) if not name.startswith("_")]
        return f"figures of this sweep: {' '.join(f'.{name}()' for name in names)}"

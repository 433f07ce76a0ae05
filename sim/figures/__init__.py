"""Figures from tables: burden, maps, causes, difference. Each is a Matplotlib figure that can be edited and saved.

>>> figure = results.plot.burden()
>>> figure.axes[0].set_ylim(0, 10)
>>> figure.savefig("burden.pdf")
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from sim.errors import ResourceError
from sim.figures.burden import burden
from sim.figures.causes import causes
from sim.figures.difference import difference, shared_replicates
from sim.figures.maps import maps
from sim.figures.sites import places_known
from sim.figures.style import save
from sim.results import Results

__all__ = ["Plots", "burden", "causes", "difference", "maps", "save_all"]


class Plots:
    """Figures of one `Results`: ``results.plot.burden()``."""

    def __init__(self, results: Results) -> None:
        self._results = results

    def burden(self, tissue: str | None = None) -> Figure:
        """Burden over time: median and central 80 % of the replicates per arm; a panel per tissue."""
        return burden(self._results, tissue)

    def maps(self, replicate: int = 0, tissue: str | None = None, layers: Sequence[str] | None = None) -> Figure:
        """Maps of a replicate: arms as rows, days as columns, a block per layer (default: state, factors)."""
        return maps(self._results, replicate, tissue, layers)

    def causes(self, tissue: str | None = None) -> Figure:
        """New senescent cells since day 0, stacked by cause; a panel per arm."""
        return causes(self._results, tissue)

    def difference(
        self,
        arm: str | None = None,
        baseline: str | None = None,
        tissue: str | None = None,
        replicate: int | None = None,
    ) -> Figure:
        """Where an arm (the last) differs from the baseline (the first), site by site, on the last day of the maps."""
        return difference(self._results, arm, baseline, tissue, replicate)

    def __repr__(self) -> str:
        return "figures of these results: .burden() .maps() .causes() .difference()"


def save_all(results: Results, folder: str | Path) -> list[Path]:
    """Write every figure that these results allow into `folder`, as PNG (150 dpi) and as SVG (text as text).

    Maps and difference need stored maps, the difference two arms; where there are several tissues, all but the burden
    have the tissue in their name.

    Returns
    -------
    list of Path
        The files, in the order burden, maps, causes, difference.

    Raises
    ------
    ResourceError
        If the folder cannot be written.
    """
    folder, paths = Path(folder), []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, draw in _possible(results):
            figure = draw()
            paths += [save(figure, folder / f"{name}{suffix}") for suffix in (".png", ".svg")]
    except OSError as error:
        raise ResourceError(f"{folder}: figures: must be a folder that can be written, got {error.strerror}") from error
    return paths


def _possible(results: Results) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """File name and drawing of each figure."""
    plots, end = Plots(results), {tissue: f"-{tissue}" for tissue in results.tissues}
    if len(results.tissues) == 1:
        end = {results.tissues[0]: ""}
    mapped = {t: r for _, r, t in sorted(results.map_keys, key=lambda key: -key[1]) if places_known(results, t, r)}
    if len(results.timeseries):
        yield "burden", plots.burden
    for tissue, replicate in mapped.items():
        yield f"maps{end[tissue]}", lambda r=replicate, t=tissue: plots.maps(r, t)  # type: ignore[misc]
    for tissue in results.tissues if len(results.timeseries) else []:
        yield f"causes{end[tissue]}", lambda t=tissue: plots.causes(t)  # type: ignore[misc]
    for tissue in mapped if len(results.arms) > 1 else {}:
        if shared_replicates(results, results.arms[-1], results.arms[0], tissue):
            yield f"difference{end[tissue]}", lambda t=tissue: plots.difference(tissue=t)  # type: ignore[misc]

"""Pigment over time: how large spots are, how they stand out, how light the skin is, and where the melanin lies."""

from __future__ import annotations

from matplotlib.figure import Figure

from sim.analysis.outcomes import unit
from sim.analysis.paired import chosen_tissue
from sim.errors import ResultsError
from sim.figures.curves import bands_in_words, by_replicate, thin_lines_in_words
from sim.figures.layout import several
from sim.figures.over_time import Panel, over_time
from sim.results import Results

LOOKS = {"spot_area": "spot area", "spot_contrast": "contrast", "lightness": "lightness"}
MECHANISMS = {
    "activation_mean": "activation of melanocytes",
    "melanin_in_melanocytes": "melanin in melanocytes",
    "melanin_in_keratinocytes": "melanin in keratinocytes",
}


def pigment(results: Results, tissue: str | None = None) -> Figure:
    """Spot area, contrast and lightness over time, and below them what tells mechanisms apart.

    Medians and central 80 % of the replicates per arm.

    Parameters
    ----------
    results : Results
        Tables of an experiment.
    tissue : str, optional
        The first one with pigment if not given.

    Raises
    ------
    ResultsError
        If it has no pigment.
    """
    there = pigmented(results)
    tissue = chosen_tissue(results, tissue or next(iter(there), None), "pigment")
    if tissue not in there:
        raise ResultsError("pigment: results: must have a tissue with pigment, got none")
    rows = results.timeseries.query("tissue == @tissue")
    by_arm = dict(list(rows[rows["melanin_mean"].notna()].groupby("arm", sort=False)))
    groups = [
        [
            Panel(title, unit(name), {arm: by_replicate(by_arm[arm], name) for arm in results.arms if arm in by_arm},
                  axis=name, from_zero=name != "lightness")
            for name, title in group.items()
        ]
        for group in (LOOKS, MECHANISMS)
    ]  # fmt: skip
    counts = [int(table["replicate"].nunique()) for table in by_arm.values()]
    most, arms = max(counts), len(counts)
    where = f", {tissue}" if len(results.tissues) > 1 else ""
    return over_time(
        results, groups,
        f"{results.manifest['scenario']}{where}: {bands_in_words(most, arms)}{several(counts, 'replicate')}"
        f"{' per arm' if most > 1 else ''}{thin_lines_in_words(most, arms)}. A spot has more melanin than a stated "
        "multiple of resting skin; contrast: the lightest less the darkest part of the area (spot.tail); lightness is "
        "like the individual typology angle (ITA).",
    )  # fmt: skip


def pigmented(results: Results) -> list[str]:
    """Tissues that have pigment in some arm."""
    rows = results.timeseries
    if "melanin_mean" not in rows:
        return []
    return [tissue for tissue in results.tissues if rows.loc[rows["tissue"] == tissue, "melanin_mean"].notna().any()]

"""Stored maps to files of other programs: which of them, where to, and complete or not there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from sim.analysis.paired import one_of
from sim.analysis.stored_maps import places_known
from sim.errors import ResultsError
from sim.exchange.anndata import write_anndata
from sim.exchange.csv import write_csv
from sim.exchange.runs import StoredRun
from sim.exchange.tiff import layers_of_cells, write_tiff
from sim.exchange.zarr import write_zarr
from sim.results import Folder, Results, fresh_folder

FORMATS: dict[str, Callable[[StoredRun, Path], None]] = {
    "csv": write_csv,
    "anndata": write_anndata,
    "zarr": write_zarr,
    "tiff": write_tiff,
}


def export(
    results: Results,
    to: str,
    out: str | Path | None = None,
    arm: str | None = None,
    replicate: int | None = None,
    tissue: str | None = None,
    days: Sequence[float] | None = None,
) -> Path:
    """Write stored maps in the format of another program.

    ``csv`` and ``anndata`` hold a row per site and day, in a file for each run and day: place [um], type, state, cause
    and all other layers that were kept, factors at the voxel of the cell; where no map of the type was kept, it is that
    of day 0. ``zarr`` is one store that xarray opens, with a group ARM/REPLICATE/TISSUE for each run, and its time
    series below it. ``tiff`` is an OME-TIFF stack over time for each run and layer, of lattices and voxels.

    Parameters
    ----------
    results
        With maps: `record.maps` and `record.days` of the scenario name layers and days.
    to
        ``csv``, ``anndata``, ``zarr`` or ``tiff``.
    out
        A new folder; if not given, NAME-TO beside the results folder (or here).
    arm, replicate, tissue, days
        Only these; all that were kept if not given. Of cells packed anew in each replicate, places are known of the
        first one.

    Returns
    -------
    Path
        The folder. It is complete or not there.

    Raises
    ------
    ResultsError
        One line: no maps were kept, or not of what is asked for; or the folder exists.
    ResourceError
        If the library of the format is missing, or there is no room.
    """
    one_of(to, list(FORMATS), "export: to")
    runs = _chosen(results, arm, replicate, tissue, days)
    home = Path() if results.folder is None else results.folder.parent
    name = results.manifest["scenario"] if results.folder is None else results.folder.name
    folder = Folder(fresh_folder(home, f"{name}-{to}") if out is None else Path(out))
    try:
        for run in runs:
            FORMATS[to](run, folder.partial)
        return folder.finish()
    except BaseException:
        folder.discard()
        raise


def left_out(results: Results, to: str, tissue: str | None = None) -> list[str]:
    """What a format has no place for, a line per tissue: of a cloud, a TIFF holds the factors on voxels alone."""
    keys = {name: (arm, replicate, name) for arm, replicate, name in reversed(results.map_keys) if to == "tiff"}
    cells = {name: layers_of_cells(results.maps(*key)) for name, key in keys.items() if tissue in (None, name)}
    return [
        f"{to}: leaves out {', '.join(layers)} of {name}, for cells of a cloud are no image"
        for name, layers in cells.items()
        if layers
    ]


def _chosen(
    results: Results, arm: str | None, replicate: int | None, tissue: str | None, days: Sequence[float] | None
) -> list[StoredRun]:
    """The runs that are asked for, of which maps were kept."""
    for name, wanted, known in (("arm", arm, results.arms), ("tissue", tissue, results.tissues)):
        if wanted is not None:
            one_of(wanted, known, f"export: {name}")
    asked = (arm, replicate, tissue)
    keys = [
        key
        for key in results.map_keys
        if all(wanted in (None, each) for wanted, each in zip(asked, key, strict=True))
        and (replicate is not None or places_known(results, key[2], key[1]))
    ]
    if not keys:
        kept = sorted({number for _, number, _ in results.map_keys})
        got = f"of replicates {', '.join(map(str, kept))}" if kept else "none (record.maps and record.days name them)"
        raise ResultsError(f"export: maps: must have been kept of what is asked for, got {got}")
    return [StoredRun.of(results, key, days) for key in keys]

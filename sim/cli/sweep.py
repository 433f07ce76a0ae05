"""`senodrift sweep`: a scenario at many points."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.app import app, progress_bar, tell_notes

if TYPE_CHECKING:
    from sim.sweeps import SweepResults


@app.command()
def sweep(
    design: Annotated[Path, typer.Argument(metavar="SWEEP", help="A sweep file (YAML).", show_default=False)],
    workers: Annotated[int, typer.Option(metavar="N", help="Processes; the tables do not depend on it.")] = 1,
    dask: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Run on a Dask scheduler, tcp://HOST:PORT; or on "
                                             "a cluster of its own: local.", show_default=False)] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder; if not given, results/NAME-HASH.",
                                             show_default=False)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what is in the folder: runs that are missing, "
                                         "failed ones, and more replicates.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the folder and nothing else.")] = False,
) -> None:  # fmt: skip
    """Run a scenario at every point of a design.

    A sweep file names a scenario, arms and replicates, and a design over any keys: grid, zip, list, latin_hypercube or
    sobol. Every finished run is on disk at once: after Ctrl-C, a crash or a power cut, --resume runs only what is
    missing. An arm that is the same at several points is run once. A run that fails is a row with stage and message.

    The folder holds parts/ (Parquet: outcomes, runs and, unless `output: summary`, all tables), points.json,
    scenario.yaml, manifest.json, summary.csv and figures/. In Python: `sim.read_sweep(folder)`.

    \b
    Examples:
      senodrift sweep configs/sweeps/dose_and_interval.yaml --workers 2
      senodrift sweep configs/sweeps/dose_and_interval.yaml --workers 2 --resume
      senodrift sweep configs/sweeps/dose_and_interval.yaml --dask tcp://127.0.0.1:8786 --out results/doses
    """  # noqa: D301
    from sim.experiment.sweep import default_folder, n_runs
    from sim.experiment.sweep import sweep as run_sweep
    from sim.scenario.design import load_sweep

    chosen = load_sweep(design)
    folder = out or default_folder(chosen)
    if not quiet:
        typer.echo(
            f"{chosen.name}: {chosen.design.size} points x {len(chosen.scenario.arms)} arms x "
            f"{chosen.scenario.common.replicates} replicates, {n_runs(chosen)} different runs, "
            f"seed {chosen.scenario.common.seed}"
        )
        tell_notes(chosen.notes)
    with progress_bar(n_runs(chosen), quiet) as progress:
        results = run_sweep(chosen, workers, folder, resume, dask=dask, progress=progress)
    said = _report(results, folder)
    typer.echo(str(folder) if quiet else said)
    failed = results.runs[results.runs["status"] == "failed"].drop_duplicates(["run", "replicate"])
    for row in failed.itertuples():
        place = f"point {row.point}, {row.arm}, replicate {row.replicate}"
        typer.echo(f"failed: {place}: {row.stage}: {row.message}", err=True)
    if len(failed):
        raise typer.Exit(1)


def _report(results: SweepResults, folder: Path) -> str:
    """What was found, and where tables and figures are."""
    from sim.analysis.sweep_table import sweep_lines, sweep_table
    from sim.figures.sweep import save_sweep_figures

    lines = ["", *sweep_lines(results)] if len(results.outcomes) else []
    if len(results.outcomes):
        sweep_table(results).to_csv(folder / "summary.csv", index=False)
        pictures = [path.name for path in save_sweep_figures(results, folder / "figures") if path.suffix == ".png"]
        lines.append(f"figures  {folder / 'figures' / pictures[0]}  {'  '.join(pictures[1:])}".rstrip())
    of_indices = results.manifest["method"] in ("morris", "saltelli")
    lines.append(f"next     senodrift {'sensitivity' if of_indices else 'compare'} {folder}")
    return "\n".join(lines)

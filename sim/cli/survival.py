"""`senodrift survival`: how long individuals live, and how many of them a study needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.app import app


@app.command()
def survival(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="A results folder.", show_default=False)],
    power: Annotated[float | None, typer.Option(metavar="P", help="Chance to see a difference; 0.8 and 0.9, if not "
                                                "given.")] = None,
    baseline: Annotated[str | None, typer.Option(metavar="ARM", help="The arm to compare with; the first, if not "
                                                 "given.")] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the table of lifespans and hazards; that of "
                                             "sizes as FILE-power.csv.")] = None,
) -> None:  # fmt: skip
    """Tell how long individuals live, and how many a study needs.

    Of every arm the median, 10 % and 90 % age at death (Kaplan-Meier), the mean restricted to the length of the run,
    and the time in which the hazard of death doubles (Gompertz); against the baseline the hazard ratio (Cox) and the
    log-rank test. Then how many individuals per arm see each difference, and others of given hazard ratios: by
    Schoenfeld's formula, and by drawing studies from the simulated individuals. Real mice share no luck, so none is
    shared there.

    \b
    Examples:
      senodrift survival results/saturated_removal-15c764
      senodrift survival results/saturated_removal-15c764 --power 0.9 --csv survival.csv
      senodrift survival results/saturated_removal-15c764 --baseline mouse_likelihood
    """  # noqa: D301
    from sim.analysis.survival import survival as survival_of
    from sim.analysis.survival_lines import life_lines, power_lines
    from sim.analysis.survival_power import POWERS, survival_power
    from sim.results import read_results

    tables = read_results(results)
    lifespans = survival_of(tables, baseline=baseline)
    sizes = survival_power(tables, baseline, POWERS if power is None else (power,))
    typer.echo("\n".join([*life_lines(lifespans), "", *power_lines(sizes)]))
    if csv is not None:
        lifespans.to_csv(csv, index=False)
        sizes.to_csv(csv.with_name(f"{csv.stem}-power{csv.suffix}"), index=False)

"""Where the unreached share of configs/lifespan_trial.yaml comes from: ``python tests/validation/lifespan_fit.py``.

One number, the share of the senescent cells that D+Q does not kill, is fitted to row 19 alone (Xu 2018): the share at
which the median time left from 776 d is 36 % longer, rounded to what 4,000 mice can tell; the hazard ratio follows.
Then it looks whether deaths by other causes could do the same without any such share. All arms share their luck, and
the seed is that of the scenario, so the same numbers come out each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

import sim
from sim.analysis.survival import hazard_ratio
from sim.cohort import live
from sim.scenario.load import Scenario

FILE = Path(__file__).parents[2] / "configs" / "lifespan_trial.yaml"
START, GAIN = 776.0, 0.36  # first dose [d]; row 19
TISSUES = ("reached", "rest_of_body")
RATES = (5e-7, 1e-6, 2e-6, 5e-6, 1e-5, 2e-5)  # of other deaths at birth [1/d], doubling every 84 d
CONSTANT = (2e-4, 5e-4, 1e-3, 2e-3, 4e-3)  # the same at any age
KILLS = (0.2, 0.3, 0.35, 0.5, 0.9)  # of the cells that it reaches, per dose of AP20187
EMAX, LIBRARY_EMAX = "drugs.ap20187_inkattac.effects.kill_senescent.emax", 0.662  # the library's, for a kill of 0.3

Floats = npt.NDArray[np.float64]


def ages(scenario: Scenario, arm: str, changes: Mapping[str, Any]) -> Floats:
    """Ages at death [d] of all individuals of an arm."""
    settings = scenario.override({f"arms.{arm}.{key}": value for key, value in changes.items()}).arms[arm]
    return live(settings, 0, settings.replicates).ends


def gain(treated: Floats, vehicle: Floats) -> float:
    """Median time left from the first dose, over that of vehicle, less 1."""
    return float((np.median(treated[treated > START]) - START) / (np.median(vehicle[vehicle > START]) - START) - 1.0)


def hazard(treated: Floats, vehicle: Floats) -> float:
    """Hazard ratio from the first dose on (Cox)."""
    groups = [(each[each > START], np.ones(np.count_nonzero(each > START), np.bool_)) for each in (treated, vehicle)]
    return hazard_ratio(groups[0], groups[1])[0]


def resisting(share: float) -> dict[str, float]:
    """A share of the cells that no drug kills, everywhere."""
    return {f"tissues.{tissue}.evasion.drug": share for tissue in TISSUES}


def main() -> None:
    """Print the fit, and what other deaths do instead."""
    scenario = sim.load(FILE, {"record.every": "300 d"})
    vehicle = ages(scenario, "vehicle", {})
    print(f"vehicle: median life {np.median(vehicle):.0f} d, left at {START:g} d: "
          f"{np.median(vehicle[vehicle > START]) - START:.0f} d (n = {vehicle.size})")  # fmt: skip

    def of_share(share: float) -> Floats:
        found = ages(scenario, "d_q_refractory", resisting(share))
        print(f"share not killed {share:.3f}: {gain(found, vehicle):+.3f}, hazard ratio {hazard(found, vehicle):.2f}")
        return found

    of_share(0.0)
    fitted = brentq(lambda share: gain(of_share(share), vehicle) - GAIN, 0.7, 0.95, xtol=0.005)
    print(f"fitted: {fitted:.2f}")
    for kill in KILLS:
        emax = float(LIBRARY_EMAX * np.log1p(-kill) / np.log1p(-0.3))
        early = ages(scenario, "ap20187_refractory", {EMAX: emax} | resisting(round(fitted, 2)))
        print(
            f"twice weekly from 12 months, kill {kill:g} per dose: {np.median(early) / np.median(vehicle) - 1.0:+.3f}"
        )
    for name, rates, doubling in (("Gompertz", RATES, 84.0), ("constant", CONSTANT, np.inf)):
        for rate in rates:
            other = {"body.death.other.rate": rate, "body.death.other.doubling_time": doubling}
            untreated = ages(scenario, "vehicle_other_deaths", other)
            treated = ages(scenario, "d_q_other_deaths", other)
            early = ages(scenario, "ap20187_other_deaths", other)
            share = np.mean(untreated < vehicle)
            print(f"all cells reached, {name} other deaths {rate:g} /d: {100 * share:.0f} % of vehicle, median life "
                  f"{np.median(untreated):.0f} d, gain {gain(treated, untreated):+.2f}, "
                  f"hazard ratio {hazard(treated, untreated):.2f}; twice weekly from 12 months: median life "
                  f"{np.median(early) / np.median(untreated) - 1.0:+.3f}")  # fmt: skip


if __name__ == "__main__":
    main()

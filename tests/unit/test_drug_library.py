"""The drugs of the library: every number has a source, and what was calibrated gives back what it was calibrated to."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
from scipy.integrate import quad

from sim.cli import main
from sim.scenario.drug import KINDS, Drug
from sim.scenario.formulary import drug_rows, drugs_in_words, library_drug
from sim.scenario.json_schema import scenario_schema
from sim.scenario.ledger import as_markdown
from sim.scenario.library import library
from sim.scenario.section import Confidence
from sim.scenario.trees import strip_sources


@pytest.mark.parametrize("name", library("drugs"))
def test_every_number_of_a_library_drug_has_its_source(name: str) -> None:
    values, sources = strip_sources(library("drugs")[name])
    drug = library_drug(name)
    assert values["description"]
    assert not values["description"].endswith(".")
    assert all(effect.kind in KINDS for effect in drug.effects.values())
    assert {confidence for _, confidence in sources.values()} <= set(get_args(Confidence))
    for key, (source, confidence) in sources.items():
        assert source, key
        if key.endswith(".ec50") or any(word in source for word in ("no source", "from memory", "a choice")):
            assert confidence == "assumed" or "(1-10 d), a choice" in source, key
    stated = {row.path for row in drug_rows(name)} - {f"effects.{each}.power" for each in drug.effects}
    assert stated == set(sources), "every number that acts is stated, and no other"


def exposure(drug: Drug, amount: float, ec50: float, doses: int = 1, tau: float = 1.0) -> float:
    """Integral of C / (ec50 + C) over one dose to its end, or over the last interval of many [d]."""
    k, ka = math.log(2) / drug.half_life, math.log(2) / drug.absorption_half_life

    def one(t: float) -> float:
        rise = ka / (ka - k) * (math.exp(-k * t) - math.exp(-ka * t)) if drug.route == "oral" else math.exp(-k * t)
        return amount * rise

    def saturation(t: float) -> float:
        level = sum(one(t + i * tau) for i in range(doses))
        return level / (ec50 + level)

    ends = [0.0, *np.geomspace(drug.half_life / 64, tau if doses > 1 else 60 * drug.half_life, 24)]
    return sum(quad(saturation, a, b, epsabs=1e-13)[0] for a, b in pairwise(ends))


@pytest.mark.parametrize(
    ("name", "effect", "amount", "kill"),
    [
        ("dasatinib_quercetin", "kill_senescent", 55, 0.35),
        ("dasatinib_quercetin", "kill_healthy", 55, 0.03),
        ("fisetin", "kill_senescent", 100, 0.10),
        ("navitoclax", "kill_senescent", 50, 0.10),
        ("navitoclax", "kill_healthy", 50, 0.005),
        ("navitoclax_topical", "kill_senescent", 5, 0.10),
        ("navitoclax_topical", "kill_healthy", 5, 0.005),
        ("ganciclovir_p163mr", "kill_senescent", 25, 0.5),
        ("ap20187_inkattac", "kill_senescent", 10, 0.3),
    ],
)
def test_one_dose_kills_the_share_that_the_source_says(name: str, effect: str, amount: float, kill: float) -> None:
    drug = library_drug(name)
    hazard = drug.effects[effect].emax * exposure(drug, amount, drug.effects[effect].ec50)
    assert -math.expm1(-hazard) == pytest.approx(kill, rel=5e-3)


@pytest.mark.parametrize(("name", "amount", "inhibition"), [("ruxolitinib", 60, 0.6), ("niclosamide", 25, 0.5)])
def test_a_daily_dose_inhibits_by_the_share_that_the_source_says(name: str, amount: float, inhibition: float) -> None:
    drug = library_drug(name)
    effect = drug.effects["inhibit_secretion"]
    assert effect.emax * exposure(drug, amount, effect.ec50, doses=60) == pytest.approx(inhibition, rel=2e-3)


def test_the_list_of_drugs_tells_what_is_assumed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["list", "drugs"])
    assert not stop.value.code
    text = capsys.readouterr().out
    assert text == f"{drugs_in_words()}\n"
    lines = text.splitlines()
    numbers = [row for name in library("drugs") for row in drug_rows(name)]
    guessed = sum(" ASSUMED " in line for line in lines)
    assert lines[-1].startswith(f"{guessed} of {len(numbers)} numbers are assumed")
    assert "dasatinib_quercetin: oral, in mg/kg" in lines
    assert "  inhibit_secretion of IGFBP3, NGF" in lines
    assert max(map(len, lines)) < 220


def test_the_ledger_page_holds_the_library_drugs() -> None:
    page = as_markdown()
    assert all(f"## Library drug `{name}`" in page for name in library("drugs"))
    assert "| `effects.kill_senescent.emax` | 0.921 1/d | computed | one dose of 55 mg/kg kills 0.35" in page


def test_library_drugs_pass_the_schema_too() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(scenario_schema())
    tree = {"days": 30, "tissues": {"skin": {"shape": [8, 8]}}, "drugs": library("drugs")}
    assert not list(validator.iter_errors(tree))

"""Treatments at work: which doses are given, what the drugs of the body do to every tissue in a step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sim.organism.blood import in_blood
from sim.organism.compartments import Compartments, Dose, Source
from sim.organism.effects import Assembly
from sim.rules.pharmacology import at_depth, following
from sim.scenario.drug import Drug, scale
from sim.scenario.drug_checks import route_of
from sim.scenario.schema import Settings
from sim.scenario.treatment import Adaptive, Treatment
from sim.schedule import Regimen, Trigger, step_of
from sim.tissue.keeping import CodeMap, State, as_columns, as_rows
from sim.tissue.patch import Patch
from sim.transforms.modes import NEGLIGIBLE

GIVEN, STOPPED, TOXIC = "given", "stopped", "toxic"
PLASMA = "blood"  # where an effect may be told to act in the plasma, as in a tissue of this name
CALENDAR = {"day": float, "treatment": str, "drug": str, "amount": float, "unit": str, "route": str, "status": str}
ReadOut = Callable[[str, str], float]  # tissue and name to the value of the last state


class DoseRow(NamedTuple):
    """One line of the calendar: a dose that was given, or was due and not given."""

    day: float
    treatment: str
    drug: str
    amount: float
    unit: str
    route: str
    status: str


class Dosing:
    """All treatments of one run.

    Attributes
    ----------
    calendar : list of DoseRow
        Every dose that was due so far.
    exposure : dict of drug to tissue to float
        Area under the concentration so far [unit d], mean over the depth of the tissue.
    done : dict of (drug, effect) to tissue to float
        Area under the effect so far, mean over the depth of the tissue.
    in_plasma : dict of factor to float
        What drugs that neutralise it add to the loss of a factor in the blood in this step, in multiples of it. A drug
        is in the plasma as it is in the body, unless it is only applied to tissues.
    """

    def __init__(self, settings: Settings, patches: dict[str, Patch]) -> None:
        self.settings, self.patches, self.dt = settings, patches, settings.dt
        given = dict.fromkeys(treatment.drug for treatment in settings.treatments.values())
        self.drugs = {name: settings.drugs[name] for name in given}
        self.in_plasma = dict.fromkeys(in_blood(settings), 0.0)
        self.assemblies = {
            name: Assembly(settings, patch, self.drugs, _is_deep(settings)) for name, patch in patches.items()
        }
        self.calendar: list[DoseRow] = []
        self.exposure = {drug: dict.fromkeys(patches, 0.0) for drug in self.drugs}
        self.done = {(d, e): dict.fromkeys(patches, 0.0) for d, drug in self.drugs.items() for e in drug.effects}
        self._orders = [_Order(name, t, self.drugs[t.drug], settings) for name, t in settings.treatments.items()]
        self._bodies = {name: self._body(name) for name in self.drugs}
        self._due: dict[str, list[Dose]] = {}
        ends = np.cumsum([assembly.depths.size for assembly in self.assemblies.values()]).tolist()
        starts = [0, *ends][: len(ends)]
        self._places = {name: slice(a, b) for name, a, b in zip(patches, starts, ends, strict=True)}
        self._n_places = ends[-1] + bool(self.in_plasma)  # the last one is the plasma
        self._lagged = {name: np.zeros((len(drug.effects), self._n_places)) for name, drug in self.drugs.items()}
        for name, patch in patches.items():
            patch.acting = self.assemblies[name].nothing

    def _body(self, drug_name: str) -> Compartments:
        """The compartments of one drug, with a place for every layer of every tissue, and for the plasma."""
        drug = self.drugs[drug_name]
        orders = [order for order in self._orders if order.treatment.drug == drug_name]
        columns = []
        for name in self.patches:
            layers = self.assemblies[name].depths
            columns.append([[_reached(order.treatment, drug, name, z) for z in layers.tolist()] for order in orders])
        if self.in_plasma:
            columns.append([[float(order.route != "topical" and not order.treatment.tissues)] for order in orders])
        elimination = math.log(2) / drug.half_life
        effects = list(drug.effects.values())
        numbers = [np.array([getattr(effect, key) for effect in effects]) for key in ("emax", "ec50", "power")]
        return Compartments(elimination, [order.source for order in orders], np.hstack(columns), *numbers)

    # ------------------------------------------------------------------------------------------------------- a step

    def dose(self, step: int, read_out: ReadOut) -> None:
        """Give the doses of this step; adaptive ones look at the state before it."""
        self._due = {}
        for order in self._orders:
            order.look(step, read_out)
            for day in order.due.get(step, ()):
                status = order.status(read_out)
                treatment, drug = order.treatment, order.drug
                self.calendar.append(
                    DoseRow(day, order.name, treatment.drug, treatment.amount, drug.unit, order.route, status)
                )
                if status == GIVEN:
                    after = max(0.0, day - step * self.dt)
                    index = [each for each in self._orders if each.drug is drug].index(order)
                    self._due.setdefault(treatment.drug, []).append(Dose(after, index, order.reaching))

    def act(self, step: int) -> None:
        """Concentrations move on by a step; every patch gets the mean effects over it."""
        means: dict[str, np.ndarray] = {}
        for name, body in self._bodies.items():
            concentration, effects = body.advance(step * self.dt, self.dt, self._due.get(name, []))
            means[name] = self._with_lag(name, effects)
            self._note(name, concentration, means[name])
        for tissue, patch in self.patches.items():
            assembly, here = self.assemblies[tissue], self._places[tissue]
            patch.acting = assembly.acting({name: effects[:, here] for name, effects in means.items()})
            patch.immune_killing = assembly.immune_killing({name: effects[:, here] for name, effects in means.items()})
        for factor in self.in_plasma:
            self.in_plasma[factor] = sum(
                float(means[name][k, -1]) * scale(effect.by_tissue, PLASMA)
                for name, drug in self.drugs.items()
                for k, effect in enumerate(drug.effects.values())
                if effect.kind == "neutralise" and (not effect.factors or factor in effect.factors)
            )

    def _with_lag(self, name: str, effects: np.ndarray) -> np.ndarray:
        """Mean over the step of effects that follow the drug with their time constant; the others as they are."""
        before = self._lagged[name]
        out = effects.copy()
        for k, effect in enumerate(self.drugs[name].effects.values()):
            if effect.time_constant > 0.0 and (before[k].any() or effects[k].any()):
                steps = self.dt / effect.time_constant
                keep = math.exp(-steps)
                for place, target in enumerate(effects[k].tolist()):
                    start = float(before[k, place])
                    out[k, place] = following(start, target, (1.0 - keep) / steps)  # the mean of the way there
                    after = following(start, target, keep)
                    before[k, place] = after if after >= NEGLIGIBLE else 0.0
        return out

    def _note(self, name: str, concentration: np.ndarray, effects: np.ndarray) -> None:
        for tissue, here in self._places.items():
            shares = self.assemblies[tissue].shares
            self.exposure[name][tissue] += self.dt * float(concentration[here] @ shares)
            for k, effect in enumerate(self.drugs[name].effects):
                self.done[name, effect][tissue] += self.dt * float(effects[k, here] @ shares)

    # -------------------------------------------------------------------------------------------------- checkpoints

    def state(self) -> State:
        """Drugs in the body, effects that lag behind, areas so far, switches of adaptive treatments, the calendar."""
        return {
            "calendar": as_columns(self.calendar, CALENDAR),
            "orders": {order.name: order.state() for order in self._orders},
            "drugs": {name: self._drug_state(name) for name in self.drugs},
        }

    def restore(self, state: State, codes: CodeMap) -> None:
        """Continue from `state`: treatments, drugs and effects by their names, whatever else is given from now on."""
        self.calendar = [DoseRow(*row) for row in as_rows(state["calendar"], CALENDAR)]
        for order in self._orders:
            order.restore(state.get("orders", {}).get(order.name, {}))
        for name, kept in state.get("drugs", {}).items():
            if name in self.drugs:
                self._restore_drug(name, kept)

    def _orders_of(self, drug_name: str) -> list[str]:
        return [order.name for order in self._orders if order.treatment.drug == drug_name]

    def _drug_state(self, name: str) -> State:
        effects = list(self.drugs[name].effects)
        return {
            **self._bodies[name].state(),
            "treatment": np.array(self._orders_of(name), str),
            "effect": np.array(effects, str),
            "exposure": np.array([*self.exposure[name].values()]),
            "done": np.array([[*self.done[name, each].values()] for each in effects]),
            "lagged": {tissue: self._lagged[name][:, here].copy() for tissue, here in self._places.items()},
            **({"in_plasma": self._lagged[name][:, -1].copy()} if self.in_plasma else {}),
        }

    def _restore_drug(self, name: str, state: State) -> None:
        orders, effects = self._orders_of(name), list(self.drugs[name].effects)
        sources = {i: orders.index(each) for i, each in enumerate(state["treatment"].tolist()) if each in orders}
        self._bodies[name].restore(state, sources)
        self.exposure[name] = dict(zip(self.patches, state["exposure"].tolist(), strict=True))
        for k, effect in enumerate(state["effect"].tolist()):
            if effect in effects:
                self.done[name, effect] = dict(zip(self.patches, state["done"][k].tolist(), strict=True))
                for tissue, here in self._places.items():
                    lagged, layers = state["lagged"][tissue][k], self.assemblies[tissue].depths.size
                    # where depth matters only before or only from now on, the layers were all alike
                    self._lagged[name][effects.index(effect), here] = lagged if lagged.size == layers else lagged[0]
                if self.in_plasma and "in_plasma" in state:
                    self._lagged[name][effects.index(effect), -1] = state["in_plasma"][k]


def _is_deep(settings: Settings) -> bool:
    """Whether depth matters to any drug: something is applied to a surface."""
    return any(route_of(t, settings.drugs[t.drug]) == "topical" for t in settings.treatments.values())


def _reached(treatment: Treatment, drug: Drug, tissue: str, depth: float) -> float:
    """Concentration at `depth` [um] of a tissue per unit in the body, or on the surface where it is applied."""
    if treatment.tissues and tissue not in treatment.tissues:
        return 0.0
    penetration = scale(drug.penetration, tissue)
    if route_of(treatment, drug) == "topical" and drug.penetration_depth is not None:
        return at_depth(penetration, depth, drug.penetration_depth)
    return penetration


@dataclass
class _Order:
    """A treatment with its dates, and the switch of an adaptive one."""

    name: str
    treatment: Treatment
    drug: Drug
    settings: Settings

    def __post_init__(self) -> None:
        treatment, drug, dt = self.treatment, self.drug, self.settings.dt
        self.route = route_of(treatment, drug)
        oral = self.route == "oral"
        self.source = Source(
            math.log(2) / drug.absorption_half_life if oral else 0.0, treatment.infusion_duration or 0.0
        )
        self.reaching = treatment.amount * (drug.bioavailability if oral else 1.0)
        keys = ("start", "interval", "additional_doses", "until", "days_on")
        regimen = Regimen(**{key: getattr(treatment, key) for key in keys})
        self.due: dict[int, list[float]] = {}
        for day in regimen.times(self.settings.days):
            self.due.setdefault(step_of(day, dt), []).append(day)
        self.on = treatment.adaptive is None
        self._looked = -1

    def look(self, step: int, read_out: ReadOut) -> None:
        """Every `check_every`, an adaptive treatment looks whether to treat from now on."""
        adaptive = self.treatment.adaptive
        if adaptive is None:
            return
        now = step_of(step * self.settings.dt, adaptive.check_every or self.settings.dt)
        if now > self._looked:
            self._looked = now
            trigger = Trigger(treat_above=adaptive.treat_above, stop_below=adaptive.stop_below)
            self.on = trigger.next_state(self.on, read_out(self._tissue(adaptive), adaptive.outcome))

    def status(self, read_out: ReadOut) -> str:
        """Whether a dose that is due is given."""
        adaptive = self.treatment.adaptive
        if not self.on:
            return STOPPED
        if adaptive is None or adaptive.toxicity is None or adaptive.skip_above is None:
            return GIVEN
        return TOXIC if read_out(self._tissue(adaptive), adaptive.toxicity) > adaptive.skip_above else GIVEN

    def state(self) -> State:
        """The switch of an adaptive treatment, and its last look."""
        adaptive = self.treatment.adaptive
        if adaptive is None:
            return {}
        every = adaptive.check_every or self.settings.dt
        return {"on": np.array(self.on), "looked": np.array(self._looked), "check_every": np.array(every)}

    def restore(self, state: State) -> None:
        """Continue from `state`; a treatment that was not adaptive before, or has another clock, looks at once."""
        adaptive = self.treatment.adaptive
        if adaptive is None or not state:
            return
        self.on = bool(state["on"])
        if float(state["check_every"]) == (adaptive.check_every or self.settings.dt):
            self._looked = int(state["looked"])

    def _tissue(self, adaptive: Adaptive) -> str:
        return adaptive.tissue or next(iter(self.settings.tissues))

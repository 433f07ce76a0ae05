"""The patrols of the plain engine: one Mesa agent per patrol, which moves, finds, kills, rests and tires.

Patrols hold their own state as attributes and write it to the rows of their troop, which the shared code (who enters,
who leaves, tables) reads. They look at every senescent cell of the tissue, and on every side of a wall that wraps.
"""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import mesa
import numpy as np

from sim.rng import chance_and_way, uniform
from sim.rules.clearance import jamming
from sim.rules.patrol import keeping_chance, kill_chance, new_direction, path_to_entry, unit_vector
from sim.tissue.acting import IMMUNE, UNJAM
from sim.tissue.geometry import ROUNDING
from sim.tissue.parameters import JAM_HALF
from sim.tissue.patch import Patch
from sim.tissue.patrols import EXHAUSTED, ROW, WORKING, Troop
from sim.tissue.state import EVADES_IMMUNITY, SENESCENT
from sim.tissue.walks import CLAIMED, FREE, HELD, path_to_wall, rising, wrapped

Place = tuple[float, float, float]


class Walker(mesa.Agent):
    """One patrol; its attributes are the columns of its row (`sim.tissue.patrols.ROW`)."""

    serial: int
    idle: int
    x: float
    y: float
    z: float
    dx: float
    dy: float
    dz: float
    clock: float
    walked: float
    luck: float
    busy_until: float
    leaves: float
    ages: float
    moves: int
    turns: int
    attachments: int
    kills: int
    target: int
    target_since: float

    def __init__(self, band: Band, row: np.void) -> None:
        super().__init__(band)
        self.band = band
        for name in ROW.names or ():
            setattr(self, name, row[name].item())

    def row(self) -> tuple[Any, ...]:
        """What the arrays say of it."""
        return tuple(getattr(self, name) for name in ROW.names or ())

    def patrol(self) -> None:
        """Live until the own clock passes the step."""
        band = self.band
        end = min(band.t_end, self.leaves, self.ages)
        while self.idle == WORKING and self.clock < end and band.troop.law.speed > 0.0:
            if self.target >= 0:
                self.finish()
            else:
                self.move()

    def move(self) -> None:
        """Go straight for one cell spacing, or to a wall, or to the first cell that it finds."""
        band, law, space = self.band, self.band.troop.law, self.band.troop.space
        self.turn()
        self.moves += 1
        place, way = (self.x, self.y, self.z), (self.dx, self.dy, self.dz)
        piece, wall = path_to_wall(*place, *way, space)
        if piece > law.piece:
            piece, wall = law.piece, 3
        path, site = band.first_met(place, way, piece)
        self.x = wrapped(self.x + self.dx * path, space.lx, space.px)
        self.y = wrapped(self.y + self.dy * path, space.ly, space.py)
        self.z = wrapped(self.z + self.dz * path, space.lz, space.pz)
        self.walked = path
        self.clock += path / law.speed
        if site >= 0:
            self.attach(site)
        elif wall < 3:
            axis, length = "xyz"[wall], space.lengths[wall]
            setattr(self, axis, length if way[wall] > 0.0 else 0.0)
            setattr(self, f"d{axis}", -way[wall])

    def turn(self) -> None:
        """Take a new direction, up the gradient as far as the bias goes, or keep the old one."""
        law, space, keys = self.band.troop.law, self.band.troop.space, self.band.troop.keys
        keeps = keeping_chance(self.walked, law.speed, law.persistence)
        if self.luck < keeps:
            self.luck /= keeps
            return
        address = keys.walk, keys.replicate, keys.k0, keys.k1
        _, x, y = chance_and_way(self.serial, self.turns, *address)
        self.turns += 1
        self.luck, _, _ = chance_and_way(self.serial, self.turns, *address)
        dx, dy, dz = unit_vector(x, y, space.dimension)
        if law.follows >= 0:
            up = rising(self.x, self.y, self.z, law.follows, self.band.patch.levels, space)
            dx, dy, dz = new_direction(dx, dy, dz, up[0], up[1], up[2], law.bias)
        self.dx, self.dy, self.dz = dx, dy, dz

    def attach(self, site: int) -> None:
        """Hold a senescent cell: no other patrol takes it."""
        band = self.band
        band.held[site] = HELD
        self.target, self.target_since = site, float(band.patch.cells.since[site])
        self.attachments += 1
        self.clock += band.troop.law.attachment
        self.busy_until = self.clock

    def finish(self) -> None:
        """Kill what it is attached to, or let go."""
        band, cells, law, keys = self.band, self.band.patch.cells, self.band.troop.law, self.band.troop.keys
        site, self.target = self.target, -1
        band.held[site] = FREE
        same = cells.state[site] == SENESCENT and cells.since[site] == self.target_since
        if not same or cells.refractory[site] & EVADES_IMMUNITY:
            return
        u = uniform(self.serial, self.attachments, keys.kill, keys.replicate, keys.k0, keys.k1)
        if u >= kill_chance(law.probability, *band.immunity(site)):
            return
        band.held[site] = CLAIMED
        band.claimed.append(site)
        self.kills += 1
        self.clock += law.rest
        self.busy_until = self.clock
        if self.kills >= law.exhausts_after:
            self.idle = EXHAUSTED


class Band(mesa.Model):
    """The Mesa model that owns the patrols of one kind in one patch."""

    def __init__(self, patch: Patch, troop: Troop) -> None:
        super().__init__(rng=0)  # never drawn from: all numbers have an address
        self.patch, self.troop = patch, troop
        self.held = patch.patrols.held
        self.claimed: list[int] = []
        points, space = patch.geometry.positions(), troop.space
        flat = 0.5 * space.spacing if space.is_lattice else 0.0
        self._points = np.pad(points, ((0, 0), (0, 3 - points.shape[1])), constant_values=flat)
        self._far = troop.law.reach + troop.law.piece
        sides = list(zip(space.lengths, space.wraps, strict=True))
        beyond = [math.ceil(self._far / length) if wraps else 0 for length, wraps in sides]
        images = product(*(range(-most, most + 1) for most in beyond))
        self._images = np.array([[k * length for k, (length, _) in zip(image, sides, strict=True)] for image in images])

    def march(self, t_end: float) -> list[int]:
        """Sites that are killed until `t_end`."""
        self.t_end = t_end
        self.claimed.clear()
        senescent = np.flatnonzero(self.patch.cells.state == SENESCENT)
        self._sites = np.repeat(senescent, len(self._images))
        self._seen = (self._points[senescent, None, :] + self._images).reshape(-1, 3)
        known = {walker.serial: walker for walker in self.agents}
        there = self.troop.rows["serial"].tolist()
        for serial in known.keys() - set(there):
            known[serial].remove()
        for row in self.troop.rows:
            if int(row["serial"]) not in known:
                Walker(self, row)
        for walker, row in zip(self.agents, self.troop.rows, strict=True):
            walker.idle, walker.target = int(row["idle"]), int(row["target"])  # as time has left them
            walker.patrol()
        self.troop.rows[:] = [walker.row() for walker in self.agents]
        return self.claimed

    def first_met(self, place: Place, way: Place, piece: float) -> tuple[float, int]:
        """Path to the first free senescent cell that is entered within a piece, and its site (-1: none)."""
        best = (piece, -1)
        offsets = self._seen - place
        close = np.flatnonzero((offsets**2).sum(axis=1) < (self._far * (1.0 + ROUNDING)) ** 2)
        for site, offset in zip(self._sites[close].tolist(), offsets[close].tolist(), strict=True):
            x, y, z = offset
            path = path_to_entry(x, y, z, *way, self.troop.law.reach)
            first = path < best[0] or (path == best[0] and (best[1] < 0 or site < best[1]))
            if self.held[site] == FREE and path >= 0.0 and first:
                best = path, site
        return best

    def immunity(self, site: int) -> tuple[float, float]:
        """Working share of immunity with what drugs add, and what jamming leaves of it, at a site."""
        patch = self.patch
        layers = patch.acting.layer
        depth = int(layers[site]) if layers.size > 1 else 0
        acts = patch.acting.modifiers[depth, patch.cells.cell_type[site]].tolist()
        jam = 1.0
        for f, row in enumerate(patch.parameters.factors.tolist()):
            if row[JAM_HALF] > 0.0:
                jam *= jamming(float(patch.seen[f, site]) * acts[UNJAM], row[JAM_HALF])
        return patch.immunity * acts[IMMUNE], jam

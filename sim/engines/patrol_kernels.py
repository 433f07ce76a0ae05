"""The compiled walk of patrols: one after the other in order of their serials, each until its clock passes the step."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from sim.compiling import inlined, kernel
from sim.rng import chance_and_way, uniform
from sim.rules.clearance import jamming
from sim.rules.patrol import keeping_chance, kill_chance, new_direction, unit_vector
from sim.tissue.acting import IMMUNE, UNJAM
from sim.tissue.parameters import JAM_HALF
from sim.tissue.patrols import EXHAUSTED, WORKING
from sim.tissue.state import EVADES_IMMUNITY, SENESCENT
from sim.tissue.walks import (
    CLAIMED,
    FREE,
    HELD,
    first_in_cloud,
    first_on_lattice,
    flip_bit,
    rising,
    straight,
    wrapped,
)


@kernel
def patrol_kernel(rows, t_end, law, space, points, start, members, keys, state, since, cell_type, refractory, held,
                  bits, levels, seen, factors, layer, modifiers, immunity, claimed):  # fmt: skip
    """Walk all `rows` until their clocks pass `t_end`; killed sites into `claimed`; returns how many."""
    count = 0
    for i in range(rows.size):
        end = min(t_end, rows[i].leaves, rows[i].ages)
        while rows[i].idle == WORKING and rows[i].clock < end and law.speed > 0.0:
            site = rows[i].target
            if site < 0:
                _walk(rows, i, end, law, space, points, start, members, keys, state, since, held, bits, levels)
                continue
            rows[i].target = -1
            held[site] = FREE
            if space.is_lattice and state[site] == SENESCENT:
                flip_bit(bits, site, space)
            if state[site] != SENESCENT or since[site] != rows[i].target_since:
                continue  # another cell by now
            if refractory[site] & EVADES_IMMUNITY != 0:
                continue
            acts = modifiers[np.int64(layer[site]) if layer.size > 1 else 0, cell_type[site]]
            jam = _jam(site, seen, factors, acts[UNJAM])
            u = uniform(rows[i].serial, rows[i].attachments, keys.kill, keys.replicate, keys.k0, keys.k1)
            if u < kill_chance(law.probability, immunity * acts[IMMUNE], jam):
                held[site] = CLAIMED
                if space.is_lattice:
                    flip_bit(bits, site, space)
                claimed[count] = site
                count += 1
                rows[i].kills += 1
                rows[i].clock += law.rest
                rows[i].busy_until = rows[i].clock
                if rows[i].kills >= law.exhausts_after:
                    rows[i].idle = EXHAUSTED
    return count


@kernel
def _walk(rows, i, end, law, space, points, start, members, keys, state, since, held, bits, levels):
    """Move one patrol until it is attached to a cell or its clock passes `end`."""
    x, y, z, dx, dy, dz = rows[i].x, rows[i].y, rows[i].z, rows[i].dx, rows[i].dy, rows[i].dz
    clock, walked, moves, serial, site = rows[i].clock, rows[i].walked, rows[i].moves, rows[i].serial, -1
    luck, turns = rows[i].luck, rows[i].turns
    _, a, b = chance_and_way(serial, turns, keys.walk, keys.replicate, keys.k0, keys.k1)
    while clock < end and site < 0:
        keeps = law.keeping if walked == law.piece else keeping_chance(walked, law.speed, law.persistence)
        if luck < keeps:
            luck /= keeps  # again uniform from 0 to 1
        else:
            dx, dy, dz = _way(x, y, z, a, b, law, space, levels)
            turns += 1  # the next way is drawn while this one is walked
            luck, a, b = chance_and_way(serial, turns, keys.walk, keys.replicate, keys.k0, keys.k1)
        moves += 1
        piece, wall = straight(x, y, z, dx, dy, dz, law.piece, space)
        if space.is_lattice:
            site, walked = first_on_lattice(x, y, z, dx, dy, dz, piece, law.reach, space, bits)
        else:
            site, walked = first_in_cloud(
                x, y, z, dx, dy, dz, piece, law.reach, space, points, start, members, state, held
            )
        x = wrapped(x + dx * walked, space.lx, space.px)
        y = wrapped(y + dy * walked, space.ly, space.py)
        z = wrapped(z + dz * walked, space.lz, space.pz)
        clock += law.lasting if walked == law.piece else walked / law.speed
        if site < 0 and wall == 0:
            x, dx = (space.lx if dx > 0.0 else 0.0), -dx
        elif site < 0 and wall == 1:
            y, dy = (space.ly if dy > 0.0 else 0.0), -dy
        elif site < 0 and wall == 2:
            z, dz = (space.lz if dz > 0.0 else 0.0), -dz
    rows[i].x, rows[i].y, rows[i].z, rows[i].dx, rows[i].dy, rows[i].dz = x, y, z, dx, dy, dz
    rows[i].walked, rows[i].moves, rows[i].luck, rows[i].turns = walked, moves, luck, turns
    if site >= 0:
        held[site] = HELD
        if space.is_lattice:
            flip_bit(bits, site, space)
        rows[i].target, rows[i].target_since = site, since[site]
        rows[i].attachments += 1
        clock += law.attachment
        rows[i].busy_until = clock
    rows[i].clock = clock


@inlined
def _way(x, y, z, a, b, law, space, levels):
    """A new direction."""
    dx, dy, dz = unit_vector(a, b, space.dimension)
    if law.bias == 0.0 or law.follows < 0:
        return dx, dy, dz
    up_x, up_y, up_z = rising(x, y, z, law.follows, levels, space)
    return new_direction(dx, dy, dz, up_x, up_y, up_z, law.bias)


@inlined
def _jam(site, seen, factors, unjam):
    """Share of killing that factors leave at a site."""
    share = 1.0
    for f in range(factors.shape[0]):
        if factors[f, JAM_HALF] > 0.0:
            share *= jamming(np.float64(seen[f, site]) * unjam, factors[f, JAM_HALF])
    return share

"""Immune cells that walk: where they turn, whom they find and kill, who comes, and the mean field that they make.

A direction is made with a square root only: sine and cosine may differ in the last bit between engines.
"""

from __future__ import annotations

import math

from sim.compiling import rule
from sim.rules.induction import hill


@rule
def keeping_chance(length: float, speed: float, persistence: float) -> float:
    r"""Chance that a patrol keeps its direction after a straight piece: :math:`e^{-(l/v)/\tau}`.

    ``length`` l [um], ``speed`` v [um/d], ``persistence`` tau [d]. Without memory, so pieces may be cut anywhere.
    """
    return math.exp(-(length / speed) / persistence)


@rule
def unit_vector(a: float, b: float, dimension: float) -> tuple[float, float, float]:
    """A direction, uniform if (a, b) is uniform in the unit disc (without its middle).

    ``dimension`` is 2 (third component 0) or 3.

    Source: Marsaglia (1972), Ann Math Stat 43:645; in the plane the direction of the point itself.
    """
    square = a * a + b * b
    if dimension == 2.0:
        scale = 1.0 / math.sqrt(square)
        return a * scale, b * scale, 0.0
    wide = 2.0 * math.sqrt(1.0 - square) if square < 1.0 else 0.0
    return a * wide, b * wide, 1.0 - 2.0 * square


@rule
def new_direction(
    x: float, y: float, z: float, up_x: float, up_y: float, up_z: float, bias: float
) -> tuple[float, float, float]:
    """Direction of a biased walk: ``normalise(bias * up + (1 - bias) * random)``.

    (x, y, z) is a random unit vector, (``up_x``, ``up_y``, ``up_z``) the gradient of what is followed, of any length;
    where it is 0, or where both parts cancel, chance alone decides. Source: PhysiCell, its `migration_bias`.
    """
    steep = math.sqrt(up_x * up_x + up_y * up_y + up_z * up_z)
    if bias == 0.0 or steep == 0.0:
        return x, y, z
    to_x = bias * (up_x / steep) + (1.0 - bias) * x
    to_y = bias * (up_y / steep) + (1.0 - bias) * y
    to_z = bias * (up_z / steep) + (1.0 - bias) * z
    length = math.sqrt(to_x * to_x + to_y * to_y + to_z * to_z)
    if length == 0.0:
        return x, y, z
    return to_x / length, to_y / length, to_z / length


@rule
def path_to_entry(x: float, y: float, z: float, dx: float, dy: float, dz: float, reach: float) -> float:
    """Path [um] along the direction (dx, dy, dz) after which a cell comes within `reach`; -1 where it never does.

    (x, y, z) leads from the patrol to the centre of the cell. One that is within reach already, or by rounding on its
    edge, does not enter.
    """
    apart = x * x + y * y + z * z
    ahead = x * dx + y * dy + z * dz
    within = reach * reach - (apart - ahead * ahead)
    if ahead <= 0.0 or within <= 0.0 or apart <= reach * reach * (1.0 + 1e-9):
        return -1.0
    return ahead - math.sqrt(within)


@rule
def kill_chance(probability: float, immunity: float, jam: float) -> float:
    """Chance that an attachment kills: its best `probability` x `immunity` x what jamming leaves (`jam`); at most 1."""
    chance = probability * immunity * jam
    return chance if chance < 1.0 else 1.0


@rule
def recruitment_rate(level: float, basal: float, max_rate: float, half_max: float, power: float) -> float:
    """Patrols that enter per 100 cells and day: `basal`, and `hill` of the mean `level` of what calls them.

    ``basal`` and ``max_rate`` [%/d], ``half_max`` in the unit of the level, ``power`` without unit. It saturates: in
    proportion to SASP, recruitment would abolish the saturation of removal (MODEL.md 2.2).
    """
    return basal + hill(level, max_rate, half_max, power)


@rule
def encounters_in_plane(reach: float, speed: float, cells_per_area: float) -> float:
    """Cells that a free straight walker finds per day and per percent of burden [1/(% d)]: 2 r v n / 100.

    ``reach`` [um], ``speed`` [um/d], ``cells_per_area`` [1/um^2], for cells at random places.
    """
    return 2.0 * reach * speed * cells_per_area / 100.0


@rule
def encounters_in_space(reach: float, speed: float, cells_per_volume: float) -> float:
    """The same in space: pi r^2 v n / 100, with `reach` r [um], `speed` v [um/d] and `cells_per_volume` n [1/um^3]."""
    return math.pi * reach * reach * speed * cells_per_volume / 100.0


@rule
def mean_field(
    density: float, encounters: float, kill_probability: float, attachment_time: float, rest_time: float
) -> tuple[float, float]:
    r"""Saturated removal that straight, unbiased walkers make: beta [%/d] and kappa [%] (MODEL.md 2.2).

    A patrol is free until it finds a cell, at a rate a X, then busy for the attachment, and for the rest if it killed:

    .. math:: \frac{P p\, a X}{1 + a X (t_a + p\, t_r)} = \frac{\beta X}{\kappa + X}, \qquad
              \beta = \frac{P p}{t_a + p\, t_r}, \quad \kappa = \frac{1}{a (t_a + p\, t_r)}

    Parameters
    ----------
    density : float
        P, patrols per 100 resident cells [%].
    encounters : float
        a [1/(% d)], from `encounters_in_plane` or `encounters_in_space`.
    kill_probability : float
        p of an attachment.
    attachment_time, rest_time : float
        t_a and t_r [d].

    Notes
    -----
    With t_h = t_a / p + t_r days per kill and p a kills per day and percent, it reads beta = P / t_h,
    kappa = 1 / (p a t_h). Holds while few of the senescent cells are held by a patrol.
    """
    handling = attachment_time + kill_probability * rest_time
    return density * kill_probability / handling, 1.0 / (encounters * handling)

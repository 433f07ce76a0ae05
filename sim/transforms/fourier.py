"""Fourier transforms of many columns at once: complex numbers as two flat arrays, rows of lanes.

Stockham's self-sorting passes for lengths whose prime factors are 2, 3 and 5 (Cooley and Tukey 1965; Stockham 1966).
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from sim.compiling import inlined, kernel
from sim.transforms.lanes import load, store

RADICES = (5, 8, 4, 3, 2)


def radices(n: int) -> list[int]:
    """Radix of each pass for the length `n`, without its prime factors above 5."""
    passes = []
    for radix in RADICES:
        while n % radix == 0:
            passes.append(radix)
            n //= radix
    return passes


def suits(n: int) -> bool:
    """Whether `n` has no prime factor above 5."""
    return math.prod(radices(n)) == n


def passes(n: int, dtype) -> tuple:
    """(radices, factors): the radix of each pass, and all factors exp(-2 pi i p s / n) in the order of their use."""
    rows, left = [], n
    for radix in radices(n):
        p, s = np.meshgrid(np.arange(left // radix), np.arange(1, radix), indexing="ij")
        angle = -2.0 * np.pi * (p * s % left) / left
        rows.append(np.stack([np.cos(angle), np.sin(angle)], axis=-1).reshape(-1))
        left //= radix
    return np.array(radices(n), np.int64), np.concatenate([*rows, np.zeros(0)]).astype(dtype)


@inlined
def put(ar, ai, cr, ci, yr, yi, at):
    """Store a product."""
    store(yr, at, cr * ar - ci * ai)
    store(yi, at, ci * ar + cr * ai)


@inlined
def pass_2(m, stride, width, w, xr, xi, yr, yi):
    """Sums of halves: one pass with the radix 2, from (xr, xi) to (yr, yi)."""
    far, at = stride * m * width, 0
    for p in range(m):
        cr, ci = w[at], w[at + 1]
        at += 2
        for q in range(stride):
            i, o = (q + stride * p) * width, (q + stride * 2 * p) * width
            ar, ai, br, bi = load(xr, i), load(xi, i), load(xr, i + far), load(xi, i + far)
            store(yr, o, ar + br)
            store(yi, o, ai + bi)
            put(ar - br, ai - bi, cr, ci, yr, yi, o + stride * width)


@inlined
def pass_3(m, stride, width, w, xr, xi, yr, yi, sine, half):
    """Sums of thirds: one pass with the radix 3, from (xr, xi) to (yr, yi)."""
    far, step, at = stride * m * width, stride * width, 0
    for p in range(m):
        c1, s1, c2, s2 = w[at], w[at + 1], w[at + 2], w[at + 3]
        at += 4
        for q in range(stride):
            i, o = (q + stride * p) * width, (q + stride * 3 * p) * width
            ar, ai = load(xr, i), load(xi, i)
            br, bi, cr, ci = load(xr, i + far), load(xi, i + far), load(xr, i + 2 * far), load(xi, i + 2 * far)
            tr, ti, dr, di = br + cr, bi + ci, sine * (br - cr), sine * (bi - ci)
            store(yr, o, ar + tr)
            store(yi, o, ai + ti)
            mr, mi = ar - half * tr, ai - half * ti
            put(mr + di, mi - dr, c1, s1, yr, yi, o + step)
            put(mr - di, mi + dr, c2, s2, yr, yi, o + 2 * step)


@inlined
def pass_4(m, stride, width, w, xr, xi, yr, yi):
    """Sums of quarters: one pass with the radix 4, from (xr, xi) to (yr, yi)."""
    far, step, at = stride * m * width, stride * width, 0
    for p in range(m):
        c1, s1, c2, s2, c3, s3 = w[at], w[at + 1], w[at + 2], w[at + 3], w[at + 4], w[at + 5]
        at += 6
        for q in range(stride):
            i, o = (q + stride * p) * width, (q + stride * 4 * p) * width
            ar, ai, br, bi = load(xr, i), load(xi, i), load(xr, i + far), load(xi, i + far)
            cr, ci, dr, di = load(xr, i + 2 * far), load(xi, i + 2 * far), load(xr, i + 3 * far), load(xi, i + 3 * far)
            er, ei, fr, fi = ar + cr, ai + ci, ar - cr, ai - ci
            gr, gi, hr, hi = br + dr, bi + di, br - dr, bi - di
            store(yr, o, er + gr)
            store(yi, o, ei + gi)
            put(fr + hi, fi - hr, c1, s1, yr, yi, o + step)
            put(er - gr, ei - gi, c2, s2, yr, yi, o + 2 * step)
            put(fr - hi, fi + hr, c3, s3, yr, yi, o + 3 * step)


@inlined
def pass_5(m, stride, width, w, xr, xi, yr, yi, c72, s72, c144, s144):
    """Sums of fifths: one pass with the radix 5, from (xr, xi) to (yr, yi)."""
    far, step, at = stride * m * width, stride * width, 0
    for p in range(m):
        c1, s1, c2, s2, c3, s3, c4, s4 = (
            w[at],
            w[at + 1],
            w[at + 2],
            w[at + 3],
            w[at + 4],
            w[at + 5],
            w[at + 6],
            w[at + 7],
        )
        at += 8
        for q in range(stride):
            i, o = (q + stride * p) * width, (q + stride * 5 * p) * width
            ar, ai, br, bi = load(xr, i), load(xi, i), load(xr, i + far), load(xi, i + far)
            cr, ci, dr, di = load(xr, i + 2 * far), load(xi, i + 2 * far), load(xr, i + 3 * far), load(xi, i + 3 * far)
            er, ei = load(xr, i + 4 * far), load(xi, i + 4 * far)
            tr, ti, ur, ui = br + er, bi + ei, cr + dr, ci + di
            vr, vi, zr, zi = br - er, bi - ei, cr - dr, ci - di
            store(yr, o, ar + tr + ur)
            store(yi, o, ai + ti + ui)
            fr, fi = ar + c72 * tr + c144 * ur, ai + c72 * ti + c144 * ui
            gr, gi = ar + c144 * tr + c72 * ur, ai + c144 * ti + c72 * ui
            hr, hi = s72 * vr + s144 * zr, s72 * vi + s144 * zi
            kr, ki = s144 * vr - s72 * zr, s144 * vi - s72 * zi
            put(fr + hi, fi - hr, c1, s1, yr, yi, o + step)
            put(gr + ki, gi - kr, c2, s2, yr, yi, o + 2 * step)
            put(gr - ki, gi + kr, c3, s3, yr, yi, o + 3 * step)
            put(fr - hi, fi + hr, c4, s4, yr, yi, o + 4 * step)


@inlined
def pass_8(m, stride, width, w, xr, xi, yr, yi, root):
    """Sums of eighths: one pass with the radix 8, from (xr, xi) to (yr, yi)."""
    far, step, at = stride * m * width, stride * width, 0
    for p in range(m):
        c1, s1, c2, s2, c3, s3 = w[at], w[at + 1], w[at + 2], w[at + 3], w[at + 4], w[at + 5]
        c4, s4, c5, s5, c6, s6 = w[at + 6], w[at + 7], w[at + 8], w[at + 9], w[at + 10], w[at + 11]
        c7, s7 = w[at + 12], w[at + 13]
        at += 14
        for q in range(stride):
            i, o = (q + stride * p) * width, (q + stride * 8 * p) * width
            ar, ai, br, bi = load(xr, i), load(xi, i), load(xr, i + 4 * far), load(xi, i + 4 * far)
            cr, ci, dr, di = load(xr, i + 2 * far), load(xi, i + 2 * far), load(xr, i + 6 * far), load(xi, i + 6 * far)
            er, ei, fr, fi = ar + br, ai + bi, ar - br, ai - bi
            gr, gi, hr, hi = cr + dr, ci + di, cr - dr, ci - di
            ar, ai, br, bi = er + gr, ei + gi, fr + hi, fi - hr  # the four sums of even places
            cr, ci, dr, di = er - gr, ei - gi, fr - hi, fi + hr
            er, ei, fr, fi = load(xr, i + far), load(xi, i + far), load(xr, i + 5 * far), load(xi, i + 5 * far)
            gr, gi, hr, hi = load(xr, i + 3 * far), load(xi, i + 3 * far), load(xr, i + 7 * far), load(xi, i + 7 * far)
            tr, ti, ur, ui = er + fr, ei + fi, er - fr, ei - fi
            vr, vi, zr, zi = gr + hr, gi + hi, gr - hr, gi - hi
            er, ei, fr, fi = tr + vr, ti + vi, ur + zi, ui - zr  # and of odd places
            gr, gi, hr, hi = tr - vr, ti - vi, ur - zi, ui + zr
            fr, fi = root * (fr + fi), root * (fi - fr)
            hr, hi = root * (hi - hr), root * (hi + hr)
            store(yr, o, ar + er)
            store(yi, o, ai + ei)
            put(br + fr, bi + fi, c1, s1, yr, yi, o + step)
            put(cr + gi, ci - gr, c2, s2, yr, yi, o + 2 * step)
            put(dr + hr, di - hi, c3, s3, yr, yi, o + 3 * step)
            put(ar - er, ai - ei, c4, s4, yr, yi, o + 4 * step)
            put(br - fr, bi - fi, c5, s5, yr, yi, o + 5 * step)
            put(cr - gi, ci + gr, c6, s6, yr, yi, o + 6 * step)
            put(dr - hr, di + hi, c7, s7, yr, yi, o + 7 * step)


@kernel
def fourier(n, width, kinds, factors, xr, xi, yr, yi):
    """Transform `n` rows of `width` lanes (xr, xi); after an odd number of passes the result is in (yr, yi)."""
    one = factors.dtype.type
    c72, s72 = one(np.cos(2.0 * np.pi / 5.0)), one(np.sin(2.0 * np.pi / 5.0))
    c144, s144 = one(np.cos(4.0 * np.pi / 5.0)), one(np.sin(4.0 * np.pi / 5.0))
    sine, half, root = one(np.sin(2.0 * np.pi / 3.0)), one(0.5), one(np.sqrt(0.5))
    left, stride, at = n, 1, 0
    for k in range(kinds.size):
        radix = kinds[k]
        m = left // radix
        w = factors[at : at + 2 * m * (radix - 1)]
        at += w.size
        if radix == 5:
            pass_5(m, stride, width, w, xr, xi, yr, yi, c72, s72, c144, s144)
        elif radix == 8:
            pass_8(m, stride, width, w, xr, xi, yr, yi, root)
        elif radix == 4:
            pass_4(m, stride, width, w, xr, xi, yr, yi)
        elif radix == 3:
            pass_3(m, stride, width, w, xr, xi, yr, yi, sine, half)
        else:
            pass_2(m, stride, width, w, xr, xi, yr, yi)
        left, stride = m, stride * radix
        xr, xi, yr, yi = yr, yi, xr, xi

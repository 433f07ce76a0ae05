"""Lanes: 64 bytes of numbers that go through a computation side by side, in compiled loops only.

Numba turns a loop into vector code only where it can prove that no two arrays overlap, which it cannot for the dozen
rows of a butterfly. Here the vector is a type of its own: ``load`` it from an array, use ``+ - *``, ``store`` it. Each
lane is computed as if it were alone, in IEEE arithmetic, so the bits do not depend on the width of the machine.
"""
# mypy: ignore-errors

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import extending
from numba.core import types
from numba.core.datamodel import models, register_default
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global

intrinsic: Any = extending.intrinsic
BYTES = 64  # of all lanes together: one cache line, 16 float32 or 8 float64


class Lanes(types.Type):
    """The type of a vector: as many floats of a `dtype` as fill the lanes with floats of the type `like`."""

    def __init__(self, dtype: types.Float, like: types.Float) -> None:
        self.dtype, self.width = dtype, BYTES * 8 // like.bitwidth
        super().__init__(name=f"Lanes({dtype} x {self.width})")


@register_default(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        super().__init__(manager, lanes, ir.VectorType(manager[lanes.dtype].get_value_type(), lanes.width))


class _Arithmetic(AbstractTemplate):
    """lanes with lanes; a number with lanes, for all of them."""

    def generic(self, args: Any, kws: Any) -> Any:
        if len(args) == 2 and isinstance(args[1], Lanes) and args[0] in (args[1], args[1].dtype):
            return args[1](*args)
        return None


def _define(operation: Any, build: str) -> None:
    infer_global(operation)(type(f"_{build}", (_Arithmetic,), {}))

    @lower_builtin(operation, Lanes, Lanes)
    def of_two(context, builder, signature, args):
        return getattr(builder, build)(*args)

    @lower_builtin(operation, types.Float, Lanes)
    def of_all(context, builder, signature, args):
        return getattr(builder, build)(_spread(builder, args[0], args[1].type), args[1])


def _spread(builder: Any, number: Any, vector: Any) -> Any:
    """A number in every lane."""
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), number, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), None)
    return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), zeros)


for _operation, _build in (
    (operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul"), (operator.truediv, "fdiv")
):  # fmt: skip
    _define(_operation, _build)


def _address(context: Any, builder: Any, array: types.Array, value: Any, at: Any, width: int = 0) -> Any:
    """Where `width` floats begin that start at element `at` of a flat array; by default one vector."""
    data = context.make_array(array)(context, builder, value).data
    width = width or Lanes(array.dtype, array.dtype).width
    vector = ir.VectorType(context.get_value_type(array.dtype), width)
    return builder.bitcast(builder.gep(data, [at]), vector.as_pointer())


def _flat(array: Any) -> bool:
    return isinstance(array, types.Array) and array.ndim == 1 and array.layout == "C"


@intrinsic
def load(typing: Any, array: Any, at: Any) -> Any:
    """Lanes from `array[at:]`, a flat array; bounds are not checked."""
    if not _flat(array) or not isinstance(at, types.Integer):
        return None

    def build(context, builder, signature, args):
        place = _address(context, builder, array, *args)
        return builder.load(place, align=array.dtype.bitwidth // 8)

    return Lanes(array.dtype, array.dtype)(array, types.intp), build


@intrinsic
def load64(typing: Any, array: Any, at: Any, like: Any) -> Any:
    """The same as float64: as many numbers as a vector of the array `like` has."""
    if not _flat(array) or not isinstance(at, types.Integer):
        return None
    lanes = Lanes(types.float64, like.dtype)

    def build(context, builder, signature, args):
        place = _address(context, builder, array, *args[:2], lanes.width)
        loaded = builder.load(place, align=array.dtype.bitwidth // 8)
        return loaded if array.dtype == lanes.dtype else builder.fpext(loaded, context.get_value_type(lanes))

    return lanes(array, types.intp, like), build


@intrinsic
def store(typing: Any, array: Any, at: Any, value: Any) -> Any:
    """`array[at:]` from lanes, rounded to its precision; bounds are not checked."""
    if not _flat(array) or not isinstance(value, Lanes):
        return None

    def build(context, builder, signature, args):
        place = _address(context, builder, array, *args[:2], value.width)
        given = args[2] if array.dtype == value.dtype else builder.fptrunc(args[2], place.type.pointee)
        builder.store(given, place, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, value), build


@intrinsic
def flushed(typing: Any, value: Any, least: Any) -> Any:
    """The lanes, 0 where one is nearer to 0 than `least`."""
    if not isinstance(value, Lanes) or least != value.dtype:
        return None

    def build(context, builder, signature, args):
        lanes, zero = args[0], ir.Constant(args[0].type, None)
        limit = _spread(builder, args[1], lanes.type)
        size = builder.select(builder.fcmp_ordered("<", lanes, zero), builder.fsub(zero, lanes), lanes)
        return builder.select(builder.fcmp_ordered("<", size, limit), zero, lanes)

    return value(value, least), build


def _chosen(sign: str, typing: Any, value: Any, other: Any) -> Any:
    if not isinstance(value, Lanes) or other not in (value, value.dtype):
        return None

    def build(context, builder, signature, args):
        lanes, rest = args[0], args[1] if other == value else _spread(builder, args[1], args[0].type)
        return builder.select(builder.fcmp_ordered(sign, rest, lanes), rest, lanes)

    return value(value, other), build


@intrinsic
def lesser(typing: Any, value: Any, other: Any) -> Any:
    """The lesser of two lanes, or of each lane and a number; the lane itself where one of them is not a number."""
    return _chosen("<", typing, value, other)


@intrinsic
def greater(typing: Any, value: Any, other: Any) -> Any:
    """The greater of two lanes, or of each lane and a number; the lane itself where one of them is not a number."""
    return _chosen(">", typing, value, other)


@intrinsic
def turn(typing: Any, source: Any, at: Any, stride: Any, target: Any, to: Any, step: Any) -> Any:
    """Transpose a square of lanes: rows of `source`, `stride` apart from `at` on, to rows of `target`.

    Rows i and i + half, woven into rows 2 i and 2 i + 1: as many times as the width has bits.
    """
    if not _flat(source) or not _flat(target) or source.dtype != target.dtype:
        return None

    def build(context, builder, signature, args):
        width = Lanes(source.dtype, source.dtype).width
        rows = []
        for i in range(width):
            place = builder.add(args[1], builder.mul(args[2], args[2].type(i)))
            here = _address(context, builder, source, args[0], place)
            rows.append(builder.load(here, align=source.dtype.bitwidth // 8))
        half, word = width // 2, ir.IntType(32)
        low, high = ([word(start + i // 2 + width * (i % 2)) for i in range(width)] for start in (0, half))
        low, high = (ir.Constant(ir.VectorType(word, width), each) for each in (low, high))
        for _ in range(width.bit_length() - 1):
            pairs = [(rows[i], rows[i + half]) for i in range(half)]
            rows = [builder.shuffle_vector(*pair, order) for pair in pairs for order in (low, high)]
        for i, row in enumerate(rows):
            place = builder.add(args[4], builder.mul(args[5], args[5].type(i)))
            builder.store(row, _address(context, builder, target, args[3], place), align=target.dtype.bitwidth // 8)
        return context.get_dummy_value()

    place = types.intp
    return types.void(source, place, place, target, place, place), build

"""Machine words inside kernels: big-endian reads, population count, bit scan, prefetch, and the sizes of HPROF's types.

One LLVM instruction each. Written as a byte loop in Python, numba turns a big-endian read into eight loads and shifts
with a wrap-around test per index; the load + bswap of these is 4x faster (measured on the reference scan). With
FLINKSCOPE_JIT=0 plain Python functions of the same meaning take their place. Callers guard every read.
"""

# ruff: noqa: ARG001 - numba names and passes these arguments

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from flinkscope.formats.hprof.kernel_cache import use_kernel_folder
from flinkscope.jit import ENABLED

P = ParamSpec("P")
R = TypeVar("R")


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """A kernel that LLVM pastes into its callers: for the few lines that run once a reference.

    Arrays are passed as structures of seven words; calls instead of inlining made the graph three times slower.
    """
    if not ENABLED:
        return function
    import numba

    try:
        compiled: Callable[P, R] = numba.njit(function, cache=True, nogil=True, forceinline=True)
    except RuntimeError:
        compiled = numba.njit(function, nogil=True, forceinline=True)
    return compiled


if ENABLED:
    use_kernel_folder()

    from llvmlite import ir  # type: ignore[import-untyped]
    from numba.core import cgutils, types
    from numba.extending import intrinsic

    def _big_endian(bits: int, result: Any) -> Any:
        def build(typing_context: Any, data: Any, position: Any) -> Any:
            def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
                array = context.make_array(signature.args[0])(context, builder, arguments[0])
                word = ir.IntType(bits)
                pointer = builder.bitcast(builder.gep(array.data, [arguments[1]]), word.as_pointer())
                value = builder.bswap(builder.load(pointer, align=1))
                return context.cast(builder, value, getattr(types, f"uint{bits}"), signature.return_type)

            return result(data, types.int64), generate

        return build

    def _popcount(typing_context: Any, word: Any) -> Any:
        """The number of one bits of an unsigned 64-bit word."""

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.ctpop(arguments[0])

        return types.int64(types.uint64), generate

    def _lowest_bit(typing_context: Any, word: Any) -> Any:
        """The position of the lowest one bit; 64 for the word 0."""

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.cttz(arguments[0], cgutils.false_bit)

        return types.int64(types.uint64), generate

    def _prefetch(typing_context: Any, array: Any, position: Any) -> Any:
        """Asks the cache for ``array.ravel()[position]``; any position is harmless."""

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            column = context.make_array(signature.args[0])(context, builder, arguments[0])
            pointer = builder.gep(column.data, [arguments[1]])
            word = ir.IntType(32)
            kind = ir.FunctionType(ir.VoidType(), [pointer.type, word, word, word])
            hint = builder.module.declare_intrinsic("llvm.prefetch", [pointer.type], kind)
            builder.call(hint, [pointer, word(0), word(3), word(1)])
            return context.get_dummy_value()

        return types.void(array, types.int64), generate

    big_u64: Any = intrinsic(_big_endian(64, types.int64))
    big_u32: Any = intrinsic(_big_endian(32, types.int64))
    big_u16: Any = intrinsic(_big_endian(16, types.int64))
    popcount: Any = intrinsic(_popcount)
    lowest_bit: Any = intrinsic(_lowest_bit)
    prefetch: Any = intrinsic(_prefetch)

else:

    def big_u64(data: Any, position: int) -> int:
        """Eight bytes as a signed number (ids are compared, never ordered, as signed)."""
        return int.from_bytes(bytes(data[position : position + 8]), "big", signed=True)

    def big_u32(data: Any, position: int) -> int:
        """Four bytes as an unsigned number."""
        return int.from_bytes(bytes(data[position : position + 4]), "big")

    def big_u16(data: Any, position: int) -> int:
        """Two bytes as an unsigned number."""
        return int.from_bytes(bytes(data[position : position + 2]), "big")

    def popcount(word: Any) -> int:
        """The number of one bits."""
        return int(word).bit_count()

    def lowest_bit(word: Any) -> int:
        """The position of the lowest one bit; 64 for the word 0."""
        value = int(word)
        return 64 if value == 0 else (value & -value).bit_length() - 1

    def prefetch(array: Any, position: int) -> None:
        """Nothing: only the compiled kernels gain from it."""


@inlined
def type_bytes(code: Any) -> Any:
    """Bytes of a primitive type of HPROF; 0 for none."""
    if code == 4 or code == 8:
        return 1
    if code == 5 or code == 9:
        return 2
    if code == 6 or code == 10:
        return 4
    if code == 7 or code == 11:
        return 8
    return 0


@inlined
def type_size(code: Any, id_size: Any) -> Any:
    """Bytes of a field or element of that type; 0 for a type that does not exist."""
    return id_size if code == 2 else type_bytes(code)

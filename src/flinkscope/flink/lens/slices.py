"""Windows of SQL's slicing operators (TUMBLE, HOP, CUMULATE): their namespace is a Long, the slice's end."""

from __future__ import annotations

from dataclasses import dataclass

from flinkscope.flink.lens.reader import NULL, Reader


@dataclass(frozen=True, slots=True)
class Slices:
    """How a slicing operator cuts time. ``size_ms``: of a whole window; ``slice_ms``: of one slice of it.

    ``slide_ms``: from one window to the next; None where all windows of a size begin together (CUMULATE).
    """

    assigner: int
    size_ms: int
    slice_ms: int
    offset_ms: int
    slide_ms: int | None

    def over_ms(self, slice_end_ms: int) -> int:
        """The end of the last window that has this slice: until then its state is needed."""
        if self.slide_ms is None:
            return -(-(slice_end_ms - self.offset_ms) // self.size_ms) * self.size_ms + self.offset_ms
        last = slice_end_ms - self.slice_ms + self.size_ms - self.offset_ms
        return last // self.slide_ms * self.slide_ms + self.offset_ms


def slices_of(reader: Reader, operator: int) -> Slices | None:
    """The slices of this operator; None for any other operator, or an assigner without these fields.

    Fields of SliceAssigners' classes, Flink 1.13 to 2.3: ``size`` (TUMBLE); ``size``, ``slide``, ``sliceSize`` (HOP);
    ``maxSize``, ``step`` (CUMULATE).
    """
    assigner = reader.follow(operator, "windowProcessor", "sliceAssigner")
    if assigner == NULL:
        return None
    assigner = max(assigner, reader.follow(assigner, "innerAssigner"))  # a window that an inner query cut already
    size = reader.number(assigner, "maxSize") or reader.number(assigner, "size")
    if not size or size <= 0:
        return None
    step = reader.number(assigner, "step")
    length = step or reader.number(assigner, "sliceSize") or size
    slide = None if step else reader.number(assigner, "slide") or size
    return Slices(assigner, size, length, reader.number(assigner, "offset") or 0, slide)

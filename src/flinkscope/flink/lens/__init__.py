"""The lens: a heap dump in Flink's terms. Shapes (class and field names), not version numbers, decide how to read.

Field names are those of Flink 1.12 to 2.3 (HeapKeyedStateBackend, StateTable, CopyOnWriteStateMap, HeapPriorityQueue,
InternalTimerServiceImpl, WindowOperator). All work over entries and timers is array work.
"""

from flinkscope.flink.lens.read import read_state
from flinkscope.flink.lens.view import FlinkView, view

__all__ = ["FlinkView", "read_state", "view"]

"""The numbers of the HPROF format (openjdk ``src/hotspot/share/services/heapDumper.cpp``, JDK 8 to 25)."""

from __future__ import annotations

# top-level records
UTF8 = 0x01
LOAD_CLASS = 0x02
FRAME = 0x04
TRACE = 0x05
HEAP_DUMP = 0x0C
HEAP_DUMP_SEGMENT = 0x1C
HEAP_DUMP_END = 0x2C

# records inside a heap dump (segment)
ROOT_UNKNOWN = 0xFF
ROOT_JNI_GLOBAL = 0x01
ROOT_JNI_LOCAL = 0x02
ROOT_JAVA_FRAME = 0x03
ROOT_NATIVE_STACK = 0x04
ROOT_STICKY_CLASS = 0x05
ROOT_THREAD_BLOCK = 0x06
ROOT_MONITOR_USED = 0x07
ROOT_THREAD_OBJECT = 0x08
CLASS_DUMP = 0x20
INSTANCE_DUMP = 0x21
OBJECT_ARRAY_DUMP = 0x22
PRIMITIVE_ARRAY_DUMP = 0x23

# types of fields and of elements
TYPE_OBJECT = 2
PRIMITIVES = {4: "boolean", 5: "char", 6: "float", 7: "double", 8: "byte", 9: "short", 10: "int", 11: "long"}
PRIMITIVE_LETTERS = {4: "Z", 5: "C", 6: "F", 7: "D", 8: "B", 9: "S", 10: "I", 11: "J"}
TYPE_SIZES = {2: 0, 4: 1, 5: 2, 6: 4, 7: 8, 8: 1, 9: 2, 10: 4, 11: 8}
TYPE_DTYPES = {4: "?", 5: ">u2", 6: ">f4", 7: ">f8", 8: "i1", 9: ">i2", 10: ">i4", 11: ">i8"}

ROOT_KINDS = {
    ROOT_UNKNOWN: "unknown",
    ROOT_JNI_GLOBAL: "JNI global",
    ROOT_JNI_LOCAL: "JNI local",
    ROOT_JAVA_FRAME: "Java local",
    ROOT_NATIVE_STACK: "native stack",
    ROOT_STICKY_CLASS: "system class",
    ROOT_THREAD_BLOCK: "thread block",
    ROOT_MONITOR_USED: "busy monitor",
    ROOT_THREAD_OBJECT: "thread",
}

"""Class loaders of user code and the jobs that they were made for."""

from __future__ import annotations

from flinkscope.flink.lens.operators import job_id
from flinkscope.flink.lens.reader import NULL, Reader

USER_LOADERS = (
    "org.apache.flink.util.ChildFirstClassLoader",
    "org.apache.flink.runtime.execution.librarycache.FlinkUserCodeClassLoaders$ParentFirstClassLoader",
)
_CACHE = "org.apache.flink.runtime.execution.librarycache.BlobLibraryCacheManager"


def loader_jobs(reader: Reader) -> dict[int, str]:
    """User class loader → id of the job that the library cache made it for (BlobLibraryCacheManager, 1.10 to 2.3)."""
    found = {}
    for cache in reader.instances(_CACHE):
        for key, entry in reader.map_entries(reader.follow(int(cache), "cacheEntries")):
            loader = reader.follow(entry, "resolvedClassLoader", "classLoader")
            while (inner := reader.follow(loader, "inner")) != NULL:  # SafetyNetWrapperClassLoader
                loader = inner
            if loader != NULL:
                found[loader] = job_id(reader, key)
    return found

"""GC logs of JDK 7 to 25: two dialects (unified, pre-unified) read into one columnar event table."""

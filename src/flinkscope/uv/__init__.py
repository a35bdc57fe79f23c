"""The daily unique-visitor count on Flink: the job of the first incident, in designs that do not run out of memory."""

"""Incidents on a real Flink from Python wheels: run, record, cure, prove."""

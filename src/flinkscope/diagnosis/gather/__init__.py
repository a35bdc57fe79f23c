"""From the artifacts of a case to facts: one module a kind of evidence; each names the place of what it says."""

from flinkscope.diagnosis.gather.case_facts import gather

__all__ = ["gather"]

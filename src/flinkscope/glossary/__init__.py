"""What the words of reports, figures and metrics mean, offline."""

from flinkscope.glossary.lookup import Explanation, explain, known_terms

__all__ = ["Explanation", "explain", "known_terms"]

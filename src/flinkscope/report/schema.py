"""The JSON schema of the report, made from the model; ``schema.json`` beside this file is its committed text.

``python -m flinkscope.report.schema > src/flinkscope/report/schema.json`` makes it anew; a test compares the two.
"""

from __future__ import annotations

import json

from flinkscope.report.codec import schema_of
from flinkscope.report.model import Report


def schema_text() -> str:
    """The schema (draft 2020-12) as JSON text; ends in a line feed."""
    return json.dumps(schema_of(Report), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    print(schema_text(), end="")

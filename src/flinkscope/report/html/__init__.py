"""The report as a page: templates with autoescape, one style, one script, no requests."""

"""One module a rule, ``r<number>_<name>.py``: RULE, check(facts), and a docstring that is the rule's page."""

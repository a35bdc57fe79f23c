"""Remedies as data, shared by the rules: each says what it does, what it costs, and how to see that it worked."""

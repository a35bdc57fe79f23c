"""Watches living processes: how full they are, when they will run out, and who is to be told."""

"""What it means and what to do: facts with their places, rules with verdicts, findings in the order of their weight."""

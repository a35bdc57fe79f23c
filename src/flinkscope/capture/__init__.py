"""Records a case from a living process: everything that a diagnosis needs, cheap things first, the process unharmed."""

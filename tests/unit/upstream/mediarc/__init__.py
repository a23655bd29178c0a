"""MediArc's mapping and answers."""

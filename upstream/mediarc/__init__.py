"""Client of MediArc, which predicts diseases from a checkup and writes a report."""

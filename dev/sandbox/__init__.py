"""Stand-ins of the providers (Tilko, MediArc, MISO) for demo and tests: an own process that imports nothing of ours."""

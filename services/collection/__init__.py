"""The collection: what the person asks for, the steps, how a run is taken, moved on, swept up."""

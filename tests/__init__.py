"""The tests, by cost: unit, integration, end_to_end."""

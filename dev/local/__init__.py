"""Runs the whole product on one machine from wheels alone, for `make run`, the tests and the benches."""

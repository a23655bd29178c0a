"""Walks a patient's day through the demo hospital, as a phone and a desk would: for `make demo` and the tests."""

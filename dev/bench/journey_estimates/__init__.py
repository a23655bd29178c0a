"""Measures the estimates of waits against a simulated hospital."""

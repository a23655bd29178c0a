"""What every room stands on: settings, the clock, logs, sealing, names. Imports nothing else of ours."""

"""The event log over both stores."""

"""The clients against a real HTTP peer that misbehaves on demand."""

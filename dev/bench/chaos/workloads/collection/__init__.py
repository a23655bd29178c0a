"""People whose records are collected, over HTTP, from a provider that fails in every way that passes."""

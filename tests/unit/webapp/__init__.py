"""The decisions of the edge, without any store."""

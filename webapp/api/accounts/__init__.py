"""What the holder of an account does with it."""

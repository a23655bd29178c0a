"""What comes in and goes out of the interviews' routes."""

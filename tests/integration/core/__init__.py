"""What every room stands on, against real servers."""

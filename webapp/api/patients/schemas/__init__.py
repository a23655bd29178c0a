"""What goes over the wire: one schema per input and output."""

"""What goes over the wire: one schema per input and output, with what the person should do when a field is wrong."""

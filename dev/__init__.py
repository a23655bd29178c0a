"""What only people who work on the product need: stand-ins, embedded servers, measurements, scripts."""

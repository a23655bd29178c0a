"""What the spool costs: saving, claiming, and importing into PostgreSQL."""

"""What it would cost to seal identities and results in PostgreSQL, column by column."""

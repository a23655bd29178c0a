"""What the product does, one file per subject: functions that work inside a transaction given to them."""

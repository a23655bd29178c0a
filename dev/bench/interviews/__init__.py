"""What the interviews cost, and how soon others see them."""

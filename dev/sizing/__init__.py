"""What a city, a hospital group and the country would need, from measured costs, and checked by a simulation."""

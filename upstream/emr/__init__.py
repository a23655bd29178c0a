"""Client of the hospital's own system (EMR), which is told of appointments, places in lines and visits."""

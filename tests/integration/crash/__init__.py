"""Every blow while runs are held at every boundary of their steps and in the middle of them, with real processes."""

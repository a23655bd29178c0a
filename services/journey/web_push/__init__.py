"""Web push: notifications of the journey to browsers whose page is closed, through the push service of each."""

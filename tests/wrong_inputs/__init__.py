"""Wrong inputs by area, as tables; each must be answered with one line and status 2, before anything is written."""

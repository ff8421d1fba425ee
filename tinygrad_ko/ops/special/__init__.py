"""The special functions of SciPy with derivatives: `tg.special`."""

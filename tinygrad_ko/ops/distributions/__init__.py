"""Probability distributions by the names of `scipy.stats`: `tg.stats`."""

"""Runs graphs by both roads, evaluated and compiled by MAX, to see that they agree."""

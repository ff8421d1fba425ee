"""What a check found: `report` holds the comparisons, the blame and the verdict, `record` how the check was called, and the script that
makes it again.
"""

"""Values as files in open formats."""

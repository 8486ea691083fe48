"""The feature matrix of a config, and its raw values as a file."""

"""Features: expressions, handlers, processors and the memory-mapped matrix."""

"""One task without rolling, as Qlib's qrun: trained, recorded and judged over its test segment."""

"""Runs a command as if a package were not installed: `python without_module.py PACKAGE MODULE ARGUMENTS...`."""

from __future__ import annotations

import runpy
import sys

if __name__ == "__main__":
    package, module, *arguments = sys.argv[1:]
    sys.modules[package] = None  # type: ignore[assignment]  # Python's own way to say that there is none
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)

"""Builds the optional kernel in C. Everything else about the package stands in pyproject.toml.

Where it cannot be built (no compiler, another Python), the installation goes on without it, and NumPy does its work.
"""

from __future__ import annotations

import sysconfig

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

# Python's stable interface: one file for 3.11 and all that come after. Builds without the global lock do not have it.
STABLE = not sysconfig.get_config_var("Py_GIL_DISABLED")


class Build(build_ext):
    """Compiles with flags that keep every addition and multiplication as it is written."""

    def build_extension(self, ext: Extension) -> None:
        plain = self.compiler.compiler_type == "msvc"
        ext.extra_compile_args = ["/O2", "/fp:precise"] if plain else ["-std=c99", "-O3", "-g0", "-ffp-contract=off", "-fno-fast-math"]
        super().build_extension(ext)


KERNEL = Extension("camelopard.core._kernel", ["src/camelopard/core/_kernel.c"], optional=True, py_limited_api=STABLE)

setup(
    ext_modules=[KERNEL] if STABLE else [],
    cmdclass={"build_ext": Build},
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if STABLE else {},
)

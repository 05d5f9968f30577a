"""The dispatching engine: re-plans many trains at once.

``dispatch`` is all that others call; problems and solutions are those of ``weerspoor.formats.dispatching``.
"""

from weerspoor.kernel.dispatch.driver import Better, Budget, Ending, Fixed, Outcome, compile_kernels, dispatch

__all__ = ["Better", "Budget", "Ending", "Fixed", "Outcome", "compile_kernels", "dispatch"]

"""The dispatching engine: re-plans many trains at once.

``dispatch`` is all that others call; problems and solutions are those of ``weerspoor.formats.dispatching``.
"""

from weerspoor.kernel.dispatch.engine import compile_kernels, dispatch
from weerspoor.kernel.dispatch.terms import Better, Budget, Ending, Fixed, Outcome

__all__ = ["Better", "Budget", "Ending", "Fixed", "Outcome", "compile_kernels", "dispatch"]

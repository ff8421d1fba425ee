"""The signature of a function, whatever its annotations name."""

import inspect
import sys
from functools import partial

if sys.version_info >= (3, 14):
    from annotationlib import Format

    # Annotations are evaluated when somebody asks; they may name what only a type checker imports.
    signature = partial(inspect.signature, annotation_format=Format.FORWARDREF)
else:
    signature = inspect.signature

"""pytest looks for examples in every file, and one of these cannot be imported without PyTorch."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("torch") else ["namesakes.py"]

# Found first by Python processes whose clock libfaketime moves. From 3.11 on time.sleep waits for a moment of the monotonic clock, and
# libfaketime, which leaves that clock alone, fails it all the same (EINVAL): sleep by select, as older Pythons did.
import importlib.machinery
import importlib.util
import os
import select
import sys
import time


def sleep(seconds):
    select.select([], [], [], seconds)


time.sleep = sleep

# the one that would have been found without us
_here = os.path.dirname(os.path.abspath(__file__))
_paths = [path for path in sys.path if os.path.abspath(path) != _here]
_spec = importlib.machinery.PathFinder.find_spec("sitecustomize", _paths)
if _spec is not None and _spec.loader is not None:
    _spec.loader.exec_module(importlib.util.module_from_spec(_spec))

# Python loads this module at its start if libfaketime moves its clock. From 3.11 on, time.sleep waits for a time of the
# monotonic clock. libfaketime does not move that clock, but makes the wait fail (EINVAL). So this module replaces
# time.sleep with a wait by select, which older versions of Python use, too.
import importlib.machinery
import importlib.util
import os
import select
import sys
import time


def sleep(seconds):
    select.select([], [], [], seconds)


time.sleep = sleep

# Load the sitecustomize module that this one hides.
_here = os.path.dirname(os.path.abspath(__file__))
_paths = [path for path in sys.path if os.path.abspath(path) != _here]
_spec = importlib.machinery.PathFinder.find_spec("sitecustomize", _paths)
if _spec is not None and _spec.loader is not None:
    _spec.loader.exec_module(importlib.util.module_from_spec(_spec))

"""What a script or notebook calls: `difnet.load`, `difnet.study` and `difnet.compare`."""

from difnet.api.loading import load
from difnet.api.study_frames import StudyFrames, compare, study

__all__ = ["StudyFrames", "compare", "load", "study"]

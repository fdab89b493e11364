"""Failures that are expected: each is told in one line, with a non-zero exit status and no traceback."""


class CourseError(Exception):
    """Something outside the learner's code is not as it must be. The message says what, and what to do."""


class UnknownStepError(CourseError, LookupError):
    """A step was asked for that the course does not have."""


class IncompleteStepError(CourseError):
    """A step lacks its check, its hints, its oracle or the guide of its part: somebody is at work on the course."""


class StepFileError(CourseError):
    """A learner's file is missing, or is not text."""


class HintError(CourseError):
    """A hint was asked for again that was not shown yet."""


class DeviceError(CourseError):
    """A device was asked for that this machine does not have."""


class CheckpointError(CourseError):
    """The checkpoint is missing, damaged, or not a GPT-2 that the course's model can run."""


class QuantizationError(CourseError):
    """The model's sizes do not fit the format of quantized weights."""


class PromptError(CourseError):
    """The prompt cannot be continued, or the text cannot be read."""


class TrainingError(CourseError):
    """There is nothing to learn from, training went wrong, or it cannot go on where it was."""


class PictureError(CourseError):
    """There is no such head, or a picture or a page cannot be written."""


class CaseError(CourseError, LookupError):
    """A case, or a line, was asked for that the step does not have."""


class CompileError(CourseError):
    """MAX cannot compile a graph that traced. The message is what its compiler wrote."""


class CacheError(CourseError):
    """The folder for compiled graphs cannot be used."""


class OutputError(CourseError):
    """A file cannot be written, or one is there already."""


class SummaryError(CourseError):
    """A file is no summary that `verify` wrote, or it is one of another version of the tool."""


class DamagedProgressError(CourseError):
    """The progress file cannot be read. It was set aside; the next command starts afresh."""


class CheckStoppedError(CourseError):
    """A check was stopped before it had a verdict."""


class ToolError(CourseError):
    """A check could not be run to its end, for a reason outside the learner's code."""

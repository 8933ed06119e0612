"""What can go wrong in the model: a name, a stable code and a sentence that says what to do."""

from typing import ClassVar


class ModelError(Exception):
    """Base of this package's errors. `code` is stable; the message is for people."""

    code: ClassVar[str] = "model_failed"


class AnnotationError(ModelError):
    """The annotated frames cannot be learnt from: none given, wrong shapes, or no object in them."""

    code = "annotation_invalid"


class CheckpointError(ModelError):
    """The file is not a network that this program can use."""

    code = "checkpoint_invalid"


class ChecksumError(CheckpointError):
    """The file is not the one that its SHA-256 names."""

    code = "checkpoint_checksum"


class DeviceError(ModelError):
    """The device that was asked for is not in this machine."""

    code = "device_unavailable"


class NetworkError(ModelError):
    """A network was asked for that does not exist, or does not fit what it is to be used for."""

    code = "network_invalid"

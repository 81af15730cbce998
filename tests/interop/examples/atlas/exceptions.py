# SPDX-License-Identifier: Apache-2.0
"""Refusals of Cloud Atlas as a Python peer gets them, if its transport is made with
allowed_remote_exmods=["atlas.exceptions"]; else they are oslo_messaging.RemoteError."""


class AtlasError(Exception):
    """'code' is an HTTP status, 'type' a stable dotted word, 'details' facts for programs. Trying again may help
    after 'retry_after_ms', if that is not 0."""

    def __init__(self, message="", code=500, type="internal", details=None, retry_after_ms=0):
        super().__init__(message)
        self.message, self.code, self.type = message, code, type
        self.details, self.retry_after_ms = details or {}, retry_after_ms


class BadRequest(AtlasError):
    pass


class Forbidden(AtlasError):
    pass


class NotFound(AtlasError):
    pass


class Conflict(AtlasError):
    pass


class PreconditionFailed(AtlasError):
    pass


class Unprocessable(AtlasError):
    pass


class TooManyRequests(AtlasError):
    pass


class Unavailable(AtlasError):
    pass


class InternalError(AtlasError):
    pass

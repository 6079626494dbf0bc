"""Structured logs without personal data: CPR numbers, tokens and bodies never reach a line."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

#: a CPR number with or without hyphen, a bearer or JSON Web Token
_SECRETS = re.compile(r"\b\d{6}-?[0-9]{4}\b|\b\d{6}-?[0-9][A-Z]{2}[0-9]\b|eyJ[\w-]+\.[\w-]+\.[\w-]+|(?i:bearer)\s+\S+")
_REDACTED = "[hidden]"


def scrub(text: str) -> str:
    """``text`` with everything that looks like a CPR number or a token taken out."""
    return _SECRETS.sub(_REDACTED, text)


def _scrub_event(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: scrub(value) if isinstance(value, str) else value for key, value in event.items()}


class _Scrubbing(logging.Filter):
    """The same for libraries that log by the standard module."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = scrub(record.getMessage()), None
        return True


def configure(level: str) -> None:
    """JSON lines on standard error, from ``level`` up."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _format_exception,
            _scrub_event,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_Scrubbing())
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)


def _format_exception(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Where it happened, and the kind of exception; never its message, which may quote data."""
    error = event.pop("error", None)
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        frames = []
        trace = error.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            frames.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}:{code.co_name}")
            trace = trace.tb_next
        event["frames"] = frames[-6:]
    return event


def logger(name: str) -> Any:
    """A structured logger; give fields, not sentences."""
    return structlog.get_logger(room=name)

"""Structured logs without personal data: CPR numbers, tokens and bodies never reach a line."""

import asyncio
import logging
import re
import sys
import threading
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import Any

import structlog

#: a number is not part of a longer run of digits or of an id in hexadecimal, but may follow an escape such as %7C
_START, _END = r"(?:(?<![0-9A-Fa-f])|(?<=%[0-9A-Fa-f]{2}))", r"(?![0-9A-Fa-f])"
_BETWEEN = r"(?:[- +]|%20|%2D)?"
#: a CPR number or replacement CPR number however it is written, a JSON Web Token, a bearer token
_SECRETS = re.compile(
    rf"{_START}\d{{6}}{_BETWEEN}\d(?:\d{{3}}|[A-Z]{{2}}\d){_END}|eyJ[\w-]+\.[\w-]+\.[\w-]+|bearer\s+\S+", re.IGNORECASE
)
_REDACTED = "[hidden]"


def scrub(text: str) -> str:
    """``text`` with everything that looks like a CPR number or a token taken out."""
    return _SECRETS.sub(_REDACTED, text)


def _clean(value: Any) -> Any:
    """``value`` as a line may hold it: scrubbed all the way down; of an exception its kind only."""
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return _REDACTED if scrub(str(value)) == _REDACTED else value
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, Mapping):
        return {scrub(str(name)): _clean(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_clean(inner) for inner in value]
    if isinstance(value, BaseException):
        return type(value).__name__
    return scrub(value.decode(errors="replace") if isinstance(value, bytes) else repr(value))


def _scrub_event(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    cleaned: Mapping[str, Any] = _clean(event)
    return cleaned


class _AsOurs(logging.Handler):
    """Lines of libraries that log by the standard module, on the same road as our own."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line; one that is put together wrong is written without its arguments."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = str(record.msg)
        error = record.exc_info[1] if record.exc_info else None
        fields = {} if error is None else {"error": error}
        logger(record.name).log(record.levelno, message, **fields)


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
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[_AsOurs()], force=True)


def let_no_error_speak() -> None:
    """What nobody catches is logged like what somebody does: its kind and place, and not its words, which may quote data."""
    sys.excepthook = lambda kind, error, trace: _uncaught(error, "uncaught")
    threading.excepthook = lambda told: _uncaught(told.exc_value, "uncaught in a thread")
    sys.unraisablehook = lambda told: _uncaught(told.exc_value, "uncaught while tidying up")
    with suppress(RuntimeError):  # no loop runs here
        asyncio.get_running_loop().set_exception_handler(
            lambda loop, told: _uncaught(told.get("exception"), str(told["message"]))
        )


def _uncaught(error: BaseException | None, event: str) -> None:
    if error is None or isinstance(error, Exception):
        logger("process").error(event, error=error)


def _format_exception(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Where it happened, and the kind of exception; never its message, which may quote data."""
    error = event.pop("error", None)
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        if isinstance(error, OSError) and error.strerror:
            event["reason"] = error.strerror
        if isinstance(state := getattr(error, "sqlstate", None), str):
            event["sqlstate"] = state
        frames = []
        trace = error.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            frames.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}:{code.co_name}")
            trace = trace.tb_next
        event["frames"] = frames[-6:]
    elif error is not None:
        event["error"] = error
    return event


def logger(name: str) -> Any:
    """A structured logger; give fields, not sentences."""
    return structlog.get_logger(room=name)

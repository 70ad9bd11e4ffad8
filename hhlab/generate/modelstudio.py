"""HappyHorse and its relatives, through Alibaba's Model Studio and its SDK, ``dashscope``.

Two habits of the SDK are kept away from money: a request that starts a task is sent once, where the
SDK by itself sends it again when the connection drops; and files are uploaded before, where the
SDK would do so as part of that request.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests
from dashscope import VideoSynthesis
from dashscope.client.base_api import BaseAsyncApi
from dashscope.utils.oss_utils import OssUtils

from hhlab import errors
from hhlab.errors import BadAnswer, BadArgument, ConnectionLost, GeneratorError, UnknownOutcome
from hhlab.generate.contenders import Contender
from hhlab.generate.download import download
from hhlab.generate.endpoint import address_of
from hhlab.generate.hosted import Hosted, clip_file, only, picture_file
from hhlab.generate.order import Look, Order, Trace, is_born_near
from hhlab.generate.prices import clip_usd
from hhlab.generate.protocol import UnsupportedShot
from hhlab.generate.secrets import Secret, from_environment
from hhlab.generate.setting import Setting
from hhlab.generate.timely import patiently, timely
from hhlab.types import Shot

ASK_S = 60.0
_RATIOS = ((16, 9), (9, 16))
_USED = {
    "text-to-video": (), "image-to-video": ("first_frame",),
    "reference-to-video": ("references",), "edit": ("source", "references"),
}  # fmt: skip
_NAMED = (  # parts of codes, in this order: the first that is found decides
    ("RateLimited", ("throttling", "ratequota", "rate_limit", "concurrency")),
    ("QuotaExhausted", ("arrearage", "insufficient_quota", "freetieronly", "overdue")),
    ("BadKey", ("apikey", "api_key", "accessdenied", "access_denied", "unpurchased")),
    ("ContentRefused", ("datainspection", "data_inspection", "ipinfringement", "green")),
    ("ServerFault", ("internalerror", "internal_error", "serviceunavailable", "systemerror",
                     "timeout", "modelservice")),
    ("RequestRefused", ("invalid", "badrequest", "notfound", "unsupported", "modelaccess")),
)  # fmt: skip
_FREE_TIER = "freetieronly"


def make(contender: Contender, setting: Setting) -> Hosted:
    """The generator of a contender; raises KeyMissing or BadKey."""
    key = from_environment(contender.keys, who=contender.name)
    return Hosted(contender, setting, ModelStudio(contender, setting, key), order_of)


def order_of(contender: Contender, setting: Setting, shot: Shot) -> Order:
    """What is sent for a shot, and its price. Raises :class:`UnsupportedShot`."""
    name, mode, limits, known = contender.name, shot.mode, contender.limits, contender.options
    only(shot, name, *_USED[mode])
    letters = len(shot.prompt) + sum("\u2e80" <= c <= "\uffdc" for c in shot.prompt)
    for what, most, found in (
        ("prompt", limits.prompt_characters, letters), ("seed", known["largest_seed"], shot.seed),
    ):  # fmt: skip
        if found > most:
            raise UnsupportedShot(f"{name}: {what}", expected=f"at most {most}", found=str(found))
    if not shot.prompt and mode != "image-to-video":
        raise UnsupportedShot(f"{name}: prompt", expected="some words", found="none")
    size = shot.size_px or limits.sizes_px[0]
    sent: dict[str, Any] = {
        "resolution": f"{min(size)}P", "seed": shot.seed, "watermark": False,
        "extend_prompt": setting.rewrite_prompt,
    }  # fmt: skip
    seconds, source_seconds, media = shot.seconds or limits.default_seconds, 0.0, []
    if mode == "edit":
        seconds = source_seconds = _check_edit(contender, shot)
        media.append(clip_file(shot.source, "video", setting.folder))
    else:
        sent["duration"] = int(seconds)
    if mode in ("text-to-video", "reference-to-video"):
        sent["ratio"] = next(f"{a}:{b}" for a, b in _RATIOS if size[0] * b == size[1] * a)
    if mode == "image-to-video":
        media.append(picture_file(shot.first_frame, "first_frame", setting.folder))
    for picture in shot.references:
        media.append(picture_file(picture, "reference_image", setting.folder))
    usd = clip_usd(name, mode=mode, size_px=size, seconds=seconds, source_seconds=source_seconds)
    return Order(name, contender.models[mode], shot.prompt, sent, tuple(media), usd)


def _check_edit(contender: Contender, shot: Shot) -> float:
    """Seconds of the result, which is as long as the clip that is edited, up to the longest."""
    name, (least, most) = contender.name, contender.options["edit_source_seconds"]
    long, few = shot.source.info.duration_s, contender.options["edit_references"]
    if not least <= long <= most:
        raise UnsupportedShot(f"{name}: source", expected=f"{least} to {most} s", found=f"{long:g}")
    if shot.seconds is not None:
        raise UnsupportedShot(f"{name}: seconds", expected="none: as the source", found="some")
    if len(shot.references) > few:
        raise UnsupportedShot(f"{name}: references", expected=f"at most {few} when editing",
                              found=str(len(shot.references)))  # fmt: skip
    return min(long, contender.limits.seconds[1])


class ModelStudio:
    """The service; see :class:`hhlab.generate.order.Service`."""

    failed_is_free = True  # "a request that fails costs nothing and uses no free quota"
    lists = True

    def __init__(self, contender: Contender, setting: Setting, key: Secret) -> None:
        self._who, self._key, self._setting = contender.name, key, setting
        self._address = service_address(contender, setting)
        self.kept_s = contender.options["kept_hours"] * 3600.0
        quiet = logging.getLogger("dashscope")  # it would print each failure's traceback
        if not quiet.handlers:
            quiet.addHandler(logging.NullHandler())

    def prepare(self, order: Order) -> list[dict[str, str]]:
        """Upload the order's files; they are kept there for 48 hours."""
        kept: dict[str, str] = {}
        for item in order.media:
            if item.sha256 not in kept:
                kept[item.sha256] = self._upload(order.model, str(item.path))
        return [{"type": item.role, "url": kept[item.sha256]} for item in order.media]

    def _upload(self, model: str, path: str) -> str:
        leave = self._ask(lambda: OssUtils.get_upload_certificate(model, **self._access()))
        url, _ = self._guarded(
            lambda: OssUtils.upload(model, path, self._key.reveal(), leave["output"])
        )
        return url

    def start(self, order: Order, prepared: list[dict[str, str]]) -> str:
        """One request, whatever becomes of it."""
        said = self._ask(
            lambda: VideoSynthesis.async_call(
                order.model, order.prompt, media=[dict(item) for item in prepared] or None,
                api_key=self._key.reveal(), base_address=self._address, session=_Once(self._who),
                request_timeout=self._setting.patience.answer_s, **order.parameters,
            )
        )  # fmt: skip
        task = (said["output"] or {}).get("task_id")
        if not (isinstance(task, str) and task):
            raise BadAnswer(self._who, expected="the id of a task", found="none")
        return task

    def look(self, task: str) -> Look:
        said = self._timely(lambda: BaseAsyncApi.fetch(task, **self._access()))
        output, usage = said["output"] or {}, said.get("usage") or {}
        state = output.get("task_status")
        if state == "FAILED":
            return Look("failed", error=self._named(0, output.get("code"), output.get("message")))
        known = {"PENDING": "waiting", "RUNNING": "running", "CANCELED": "cancelled",
                 "UNKNOWN": "gone", "SUCCEEDED": "done"}  # fmt: skip
        url = output.get("video_url") or ""
        if state not in known or (state == "SUCCEEDED" and not url):
            raise BadAnswer(self._who, expected="a task's state", found=repr(state))
        given, rewritten = output.get("orig_prompt"), output.get("actual_prompt")
        facts = {
            "prompt_rewriting": self._setting.rewrite_prompt,
            "rewritten_prompt": rewritten if rewritten != given else None,
            "service": {"usage": dict(usage), "endpoint": urlsplit(self._address).hostname, **{
                k: output[k] for k in ("submit_time", "scheduled_time", "end_time") if k in output
            }},
        }  # fmt: skip
        return Look(known[state], url=url, facts=facts, prompt=given)

    def find(self, order: Order, *, sent_s: float, known: Mapping[str, float]) -> list[Trace]:
        if self._setting.clock.now() - sent_s > self.kept_s:
            raise UnknownOutcome(
                self._who, expected=f"a request younger than {self.kept_s / 3600:g} hours",
                found="an older one, whose task would no longer be listed",
            )  # fmt: skip
        rows = self._listed(order.model)
        births = {row["task_id"]: row["gmt_create"] / 1e3 for row in rows}
        apart_s = [births[task] - sent for task, sent in known.items() if task in births]
        traces = []
        for row in rows:
            task, failed = row["task_id"], row.get("status") in ("FAILED", "CANCELED")
            near = is_born_near(
                births[task], sent_s, self._setting.patience.answer_s, apart_s
            )  # fmt: skip
            if task not in known and not failed and near is not False:
                prompt = patiently(lambda t=task: self.look(t), self._setting).prompt
                fits = None if prompt is None else prompt == order.prompt
                traces.append(Trace(task, fits, near=bool(near)))
        return traces

    def _listed(self, model: str) -> list[dict[str, Any]]:
        """Tasks of the last 24 hours, of a model."""
        rows, page, pages = [], 1, 1
        while page <= pages:
            said = patiently(lambda p=page: self._page(model, p), self._setting)
            try:
                rows += [row for row in said["output"]["data"] if row["gmt_create"] > 0]
                pages, page = int(said["output"].get("total_page", 1)), page + 1
            except (LookupError, TypeError, ValueError) as error:
                raise BadAnswer(self._who, expected="a list of tasks", found=repr(error)) from None
        return rows

    def _page(self, model: str, page: int) -> dict[str, Any]:
        return self._timely(
            lambda: BaseAsyncApi.list(
                model_name=model, page_no=page, page_size=50, **self._access()
            )
        )  # fmt: skip

    def cancel(self, task: str) -> None:
        self._timely(lambda: BaseAsyncApi.cancel(task, **self._access()))

    def download(self, look: Look, path) -> None:
        download(look.url, path, who=self._who)

    # --- answers, and what goes wrong with them -------------------------------------------------
    def _access(self) -> dict[str, str]:
        return {"api_key": self._key.reveal(), "base_address": self._address}

    def _timely(self, call: Callable[[], Any]) -> Any:
        """Ask something harmless; the SDK alone would wait for minutes, or for ever."""
        return timely(lambda: self._ask(call), seconds=ASK_S, who=self._who)

    def _ask(self, call: Callable[[], Any]) -> Any:
        """The SDK's answer, if it is a good one."""
        said = self._guarded(call)
        if said["status_code"] == HTTPStatus.OK:
            return said
        error = self._named(said["status_code"], said["code"], said["message"])
        del said  # a talkative traceback would show it, and it may repeat the key
        raise error

    def _guarded(self, call: Callable[[], Any]) -> Any:
        """Whatever the SDK raises, as a named error.

        Neither a chained error nor a frame of the SDK comes with it: their variables hold the key.
        """
        try:
            return call()
        except GeneratorError as error:
            failed = error.with_traceback(None)
        except requests.exceptions.JSONDecodeError as error:
            failed = BadAnswer(self._who, expected="JSON", found=self._key.hide(error)[:200])
        except (requests.exceptions.RequestException, OSError) as error:
            failed = ConnectionLost(self._who, expected="an answer", found=type(error).__name__)
        except Exception as error:  # the SDK takes answers apart without looking
            found = f"{type(error).__name__}: {self._key.hide(error)[:200]}"
            failed = BadAnswer(self._who, expected="an answer of the known form", found=found)
        raise failed from None

    def _named(self, status: int, code: object, message: object) -> GeneratorError:
        """The named error of an HTTP status and a code."""
        text = str(code or "").lower()
        found = self._key.hide(f"{code or status}: {message or ''}")[:300]
        kinds = [kind for kind, parts in _NAMED if any(part in text for part in parts)]
        by_status = {401: "BadKey", 402: "QuotaExhausted", 403: "BadKey", 408: "ServerFault",
                     429: "RateLimited"}  # fmt: skip
        if _FREE_TIER in text:
            kind = "QuotaExhausted"
        elif kinds:
            kind = kinds[0]
        elif status in by_status:
            kind = by_status[status]
        elif status >= 500:
            kind = "ServerFault"
        else:
            kind = "RequestRefused" if status >= 400 else "TaskFailed"
        return getattr(errors, kind)(self._who, expected="a clip", found=found)


class _Once(requests.Session):
    """Sends once. The SDK repeats a request after a `requests` ConnectionError, and only then."""

    def __init__(self, who: str) -> None:
        super().__init__()
        self._who = who

    def post(self, *args: Any, **kwargs: Any) -> requests.Response:
        try:
            return super().post(*args, **kwargs)
        except requests.exceptions.ConnectionError as error:
            found = type(error).__name__
        raise ConnectionLost(self._who, expected="an answer", found=found)


def service_address(contender: Contender, setting: Setting) -> str:
    """The service's address: as set, as in ``DASHSCOPE_HTTP_BASE_URL``, or the usual one.

    Raises
    ------
    BadArgument : neither the name of one nor a secured address
    """
    known = contender.options["endpoints"]
    if setting.endpoint in known:
        return known[setting.endpoint]
    try:
        found = address_of(setting, "DASHSCOPE_HTTP_BASE_URL")
    except BadArgument as error:
        expected = f"one of {', '.join(known)}, or {error.expected}"
        raise BadArgument("endpoint", expected=expected, found=error.found) from None
    return found or known[contender.options["default_endpoint"]]

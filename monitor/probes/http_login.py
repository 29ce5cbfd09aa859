"""A login in two steps: read the form of the login page with what it hides in it, send it filled in; the cookies are the visit's."""

import html
import re
from dataclasses import dataclass, field
from itertools import islice

from yarl import URL

from monitor.core.verdict import Reason
from monitor.probes.faults import Fault
from monitor.probes.http_head import Head
from monitor.probes.http_options import Login
from monitor.probes.http_redirect import same_origin
from monitor.probes.http_visit import Page, Visit
from monitor.secret import reveal

MOST_FIELDS = 100
MOST_TAGS, MOST_ATTRIBUTES = 1000, 30
"""Beginnings and ends of forms and their fields that are read of a page, and attributes of each."""
# No sign is looked at more than a few times, whatever stands there: each match takes a whole name, with a value or without one.
_TAG = re.compile(r"<(/?form|input)\b([^<>]{0,4000}+)>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([^\s"'=/]++)(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s"'=]++))?+""")


@dataclass(slots=True)
class Form:
    """A form of a page: where it is sent, the values of its hidden fields, the names of all."""

    action: str
    hidden: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


async def log_in(visit: Visit, url: URL, login: Login) -> None:
    """Log in at the host of `url`. Raises Fault `login_refused` when we are not let in, besides those of any page."""
    page = await visit.fetch("GET", url.join(URL(login.page)), _page)
    form = find_form(page.text, login.password_field)
    if form is None:
        raise Fault(Reason.LOGIN_REFUSED, f"{login.page} has no form with a field {login.password_field!r}")
    action = _action(page.url, form)
    if action is None or not same_origin(action, page.url) or not same_origin(page.url, url):
        raise Fault(Reason.LOGIN_REFUSED, f"the form of {login.page} would bring the password to another host")
    filled = form.hidden | {login.user_field: login.user, login.password_field: reveal(login.password)}
    _let_in(await visit.fetch("POST", action, _page, filled), login)


def _action(page: URL, form: Form) -> URL | None:
    try:
        return page.join(URL(form.action)).with_fragment(None)
    except ValueError:
        return None


def find_form(text: str, holding: str) -> Form | None:
    """Return the first form of the page that has a field of this name; what stands in no form is none's."""
    forms: list[Form] = []
    inside = False
    for tag in islice(_TAG.finditer(text), MOST_TAGS):
        word, attributes = tag[1].lower(), _attributes(tag[2])
        if word != "input":
            inside = word == "form"
            forms += [Form(attributes.get("action", ""))] * inside
        elif inside and (name := attributes.get("name")) and len(forms[-1].names) < MOST_FIELDS:
            forms[-1].names.add(name)
            if attributes.get("type", "").lower() == "hidden":
                forms[-1].hidden[name] = attributes.get("value", "")
    return next((form for form in forms if holding in form.names), None)


def _attributes(text: str) -> dict[str, str]:
    found = islice(_ATTRIBUTE.finditer(text), MOST_ATTRIBUTES)
    return {each[1].lower(): html.unescape(each[2].strip("\"'")) for each in found if each[2]}


def _page(head: Head) -> None:
    if head.status >= 500:
        raise Fault(Reason.HTTP_STATUS, f"status {head.status} while logging in")


def _let_in(page: Page, login: Login) -> None:
    """Who is not let in sees the form again, or is told so by the status."""
    if page.status >= 400 or find_form(page.text, login.password_field) is not None:
        raise Fault(Reason.LOGIN_REFUSED, f"we were not let in (status {page.status}): a wrong password, or who judges it is dead")

"""Keeps what depends on the state of the tasks, and not on types, out of the way."""

import re
import uuid

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    for name, value in list((case.headers or {}).items()):
        if name.lower() == "idempotency-key":
            # The same key with another body is a 422 by design: every request gets a key of its own.
            case.headers[name] = str(uuid.uuid4())
        elif name.lower() == "if-match" and re.fullmatch(r'"?[0-9]+"?', str(value)):
            # A version that the task is not at is a 412 by design; and an example of one is made up without its quotes.
            case.headers[name] = "*"
    for task in tasks(case.body):
        # A zone is made up, and belongs to a due date with a time.
        task.pop("due_timezone", None)
    # Two new tasks with one id are refused, which the document says in words.
    seen = set()
    for task in tasks(case.body):
        if isinstance(id := task.get("id"), str):
            task["id"] = str(uuid.uuid4()) if id in seen else id
            seen.add(id)
    # Cursors are not made up, they come from the server.
    (case.query or {}).pop("cursor", None)


def tasks(body):
    """The objects in a body that may have the fields of a task."""
    if isinstance(body, dict):
        many = body.get("create")
        return [body, *(task for task in (many if isinstance(many, list) else []) if isinstance(task, dict))]
    return []

"""Asks a real FastAPI backend of the old contract, and writes down what it answers.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python make_answers.py > answers.json

The answers are checked in: `cargo test` needs no Python. The words of broken JSON are those of CPython up to 3.12.
"""

import json
from enum import Enum
from typing import Annotated, Optional
from uuid import UUID

from fastapi import Depends, FastAPI, HTTPException, Query
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.testclient import TestClient
from pydantic import AfterValidator, BaseModel, Field

app = FastAPI()
bearer = HTTPBearer(auto_error=False)


def not_blank(text: str) -> str:
    if text and not text.strip():
        raise ValueError("must not be blank")
    return text


def no_control_characters(text: str) -> str:
    if any(ord(c) < 32 for c in text):
        raise ValueError("must not contain control characters")
    return text


Title = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(not_blank), AfterValidator(no_control_characters)]
Description = Annotated[str, Field(max_length=1000)]


class NewTask(BaseModel):
    title: Title
    description: Optional[Description] = None
    completed: bool = False


class TaskPatch(BaseModel):
    title: Optional[Title] = None
    description: Optional[Description] = None
    completed: Optional[bool] = None


class Completion(BaseModel):
    completed: Optional[bool] = None


class Status(str, Enum):
    all = "all"
    pending = "pending"
    completed = "completed"


class Sort(str, Enum):
    created = "created"
    updated = "updated"
    title = "title"
    priority = "priority"
    due_date = "due_date"


class Order(str, Enum):
    asc = "asc"
    desc = "desc"


def user(credentials: Optional[HTTPAuthorizationCredentials] = Depends(bearer)) -> str:
    return credentials.credentials


def owner(user_id: str, user: str = Depends(user)) -> str:
    if user_id != user:
        raise HTTPException(403, "Not authorized to access this user's tasks")
    return user


def absent():
    raise HTTPException(404, "Task not found")


@app.get("/api/{user_id}/tasks")
def list_tasks(
    user: str = Depends(owner),
    status: Status = Status.all,
    completed: Optional[bool] = None,
    sort: Sort = Sort.created,
    order: Order = Order.desc,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
    offset: Annotated[int, Query(ge=0)] = 0,
):
    return []


@app.post("/api/{user_id}/tasks", status_code=201)
def create(new: NewTask, user: str = Depends(owner)):
    return new


@app.get("/api/{user_id}/tasks/{task_id}")
def get(task_id: UUID, user: str = Depends(owner)):
    absent()


@app.put("/api/{user_id}/tasks/{task_id}")
def update(task_id: UUID, patch: TaskPatch, user: str = Depends(owner)):
    absent()


@app.delete("/api/{user_id}/tasks/{task_id}", status_code=204)
def delete(task_id: UUID, user: str = Depends(owner)):
    absent()


@app.patch("/api/{user_id}/tasks/{task_id}/complete")
def complete(task_id: UUID, body: Optional[Completion] = None, user: str = Depends(owner)):
    absent()


TASKS = "/api/ann/tasks"
TASK = f"{TASKS}/00000000-0000-7000-8000-000000000000"

BODIES = [
    # No JSON, in every way CPython has a word for.
    "", " ", "{", "}", "{\"title\"", "{\"title\":", "{\"title\":}", "{\"title\" \"a\"}", "{\"title\":\"a\"",
    "{\"title\":\"a\",", "{\"title\":\"a\",}", "{\"title\":\"a\" \"b\"}", "{title:\"a\"}", "{'title':'a'}", "{\"title\":'a'}",
    "{\"title\":\"a", "{\"title\":\"a\nb\"}", "{\"title\":\"a\\", "{\"title\":\"a\\x\"}", "{\"title\":\"\\u12\"}",
    "{\"title\":\"\\u12g4\"}", "{\"title\":\"\\u1234", "{\"title\":\"a\"} {}", "{\"title\":\"a\"},", "[", "[1", "[1,", "[1,]",
    "[1 2]", "tru", "title=a", "-", "{\"title\":01}", "{\"title\":1.}", "{\"title\":.5}", "{\"title\":+1}", "\n\n  {\"שלום 🦀\":x}",
    "[[[[", "{\"a\":{\"b\":[{\"c\":}]}}", "undefined", "\0",
    # JSON, but no object.
    "null", "true", "1", "1.5", "\"title\"", "[]", "[{\"title\":\"a\"}]",
    # Objects that break a rule.
    {}, {"completed": True, "description": "x"}, {"unknown": [1, {"a": None}]},
    {"title": ""}, {"title": " "}, {"title": "\u3000\u2003"}, {"title": "x" * 201}, {"title": "🦀" * 201}, {"title": "a\nb"},
    {"title": None}, {"title": 1}, {"title": 1.5}, {"title": True}, {"title": []}, {"title": {"a": "b"}},
    {"description": "x" * 1001, "title": "a"}, {"description": 1, "title": "a"}, {"description": [], "title": "a"},
    {"completed": "maybe", "title": "a"}, {"completed": "", "title": "a"}, {"completed": " true", "title": "a"},
    {"completed": 2, "title": "a"}, {"completed": -1, "title": "a"}, {"completed": 2.0, "title": "a"}, {"completed": 0.5, "title": "a"},
    {"completed": [], "title": "a"}, {"completed": {}, "title": "a"},
    {"completed": "x", "description": 7, "title": ""},
]

UPDATES = [{"title": ""}, {"title": 1, "completed": []}, {"description": "x" * 1001}, {"completed": "perhaps"}, "[]", "{", "null", ""]

COMPLETIONS = [{"completed": "perhaps"}, {"completed": 3}, {"completed": []}, "[]", "{", "1"]

QUERIES = [
    "status=done", "status=ALL", "status=%20", "completed=maybe", "completed=2", "sort=color", "order=up",
    "limit=0", "limit=-1", "limit=1001", "limit=99999999999999999999", "limit=ten", "limit=1.5", "limit=%20", "limit=1e3",
    "offset=-1", "offset=x", "status=x&sort=y&order=z&limit=0",
]

IDS = ["no-uuid", "1", "00000000-0000-7000-8000-00000000000", "00000000-0000-7000-8000-0000000000000",
       "00000000-0000-7000-8000-00000000000g", "0000000000007000-8000-000000000000", "%F0%9F%A6%80", "urn:uuid:1", "%7B1%7D"]


def cases():
    for body in BODIES:
        yield "POST", TASKS, body
    for body in UPDATES:
        yield "PUT", TASK, body
    for body in COMPLETIONS:
        yield "PATCH", f"{TASK}/complete", body
    for query in QUERIES:
        yield "GET", f"{TASKS}?{query}", None
    for id in IDS:
        yield "GET", f"{TASKS}/{id}", None
        yield "DELETE", f"{TASKS}/{id}", None
    yield "GET", TASK, None
    yield "PUT", TASK, {"title": "a"}
    yield "DELETE", TASK, None
    yield "PATCH", f"{TASK}/complete", None
    yield "GET", "/api/bob/tasks", None
    yield "POST", "/api/bob/tasks", {"title": "a"}
    yield "GET", "/api/ann/nothing", None
    yield "DELETE", TASKS, None


def answers():
    client = TestClient(app)
    for method, path, body in cases():
        text = body if body is None or isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        headers = {"Authorization": "Bearer ann"}
        if text is not None:
            headers["Content-Type"] = "application/json"
        answer = client.request(method, path, headers=headers, content=text and text.encode())
        yield {"method": method, "path": path, "body": text, "status": answer.status_code, "answer": answer.text}


print(json.dumps(list(answers()), ensure_ascii=False, indent=1))

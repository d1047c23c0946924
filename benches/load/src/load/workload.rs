//! What is asked for, and how each door is asked.

use serde::Serialize;
use serde_json::json;

use crate::load::users::{LIGHT_USERS, Users, random_task};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Workload {
    List,
    Get,
    Create,
    Toggle,
    Mixed,
    /// The heavy user's first page.
    First,
    /// A page in the middle of the heavy user's list, by its cursor.
    Deep,
}

/// What a mixed load is made of, in parts of ten.
pub const MIX: [(Workload, u32); 4] =
    [(Workload::List, 6), (Workload::Get, 2), (Workload::Create, 1), (Workload::Toggle, 1)];

/// The answers to all workloads but the lists have one task.
const PAGE: usize = 20;

const FIELDS: &str = "id title description completed version createdAt updatedAt";

impl Workload {
    pub const ALL: [Self; 7] =
        [Self::List, Self::Get, Self::Create, Self::Toggle, Self::Mixed, Self::First, Self::Deep];

    pub fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Get => "get",
            Self::Create => "create",
            Self::Toggle => "toggle",
            Self::Mixed => "mixed",
            Self::First => "first",
            Self::Deep => "deep",
        }
    }

    pub fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Toggle | Self::Mixed)
    }

    /// One request of a mixed load; any other workload is what it is.
    fn draw(self) -> Self {
        if self != Self::Mixed {
            return self;
        }
        let parts: u32 = MIX.iter().map(|(_, parts)| parts).sum();
        let mut number = fastrand::u32(..parts);
        for (workload, parts) in MIX {
            match number.checked_sub(parts) {
                Some(rest) => number = rest,
                None => return workload,
            }
        }
        Self::List
    }

    /// How many tasks a right answer has.
    fn tasks(self) -> usize {
        match self {
            Self::List | Self::First | Self::Deep | Self::Mixed => PAGE,
            Self::Get | Self::Create | Self::Toggle => 1,
        }
    }
}

/// How requests are put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Door {
    Rest,
    GraphQl,
}

/// Writes a workload's requests, each as a user drawn at random.
pub struct Requests<'a> {
    pub door: Door,
    pub workload: Workload,
    pub users: &'a Users,
    /// Where the deep page begins.
    pub cursor: &'a str,
}

impl Requests<'_> {
    /// Puts the next request in the buffer. Comes back with how many tasks the answer must have.
    pub fn next(&self, buffer: &mut Vec<u8>) -> usize {
        let workload = self.workload.draw();
        let user = match workload {
            Workload::First | Workload::Deep => LIGHT_USERS,
            _ => fastrand::u32(..LIGHT_USERS),
        };
        let request = match self.door {
            Door::Rest => self.rest(workload, user),
            Door::GraphQl => http("POST", "/graphql", self.users.token(user), &self.graphql(workload, user)),
        };
        buffer.clear();
        buffer.extend_from_slice(request.as_bytes());
        workload.tasks()
    }

    fn rest(&self, workload: Workload, user: u32) -> String {
        let token = self.users.token(user);
        match workload {
            Workload::List | Workload::First | Workload::Mixed => {
                http("GET", &format!("/api/tasks?limit={PAGE}"), token, "")
            }
            Workload::Deep => http("GET", &format!("/api/tasks?limit={PAGE}&cursor={}", self.cursor), token, ""),
            Workload::Get => http("GET", &format!("/api/tasks/{}", random_task(user)), token, ""),
            Workload::Toggle => http("PATCH", &format!("/api/tasks/{}/complete", random_task(user)), token, ""),
            Workload::Create => http(
                "POST",
                "/api/tasks",
                token,
                r#"{"title":"Buy milk","description":"Two litres","completed":false}"#,
            ),
        }
    }

    /// Documents that clients keep, with variables.
    fn graphql(&self, workload: Workload, user: u32) -> String {
        let (query, variables) = match workload {
            Workload::List | Workload::First | Workload::Mixed => (
                format!("query List($limit: Int!) {{ tasks(limit: $limit) {{ {FIELDS} }} }}"),
                json!({ "limit": PAGE }),
            ),
            Workload::Deep => (
                format!(
                    "query Page($first: Int!, $after: String) {{ tasksConnection(first: $first, after: $after) {{ edges {{ node {{ {FIELDS} }} }} pageInfo {{ hasNextPage endCursor }} }} }}"
                ),
                json!({ "first": PAGE, "after": self.cursor }),
            ),
            Workload::Get => {
                (format!("query Get($id: ID!) {{ task(id: $id) {{ {FIELDS} }} }}"), json!({ "id": random_task(user) }))
            }
            Workload::Toggle => (
                format!("mutation Toggle($id: ID!) {{ toggleTask(id: $id) {{ {FIELDS} }} }}"),
                json!({ "id": random_task(user) }),
            ),
            Workload::Create => (
                format!("mutation Create($input: CreateTaskInput!) {{ createTask(input: $input) {{ {FIELDS} }} }}"),
                json!({ "input": { "title": "Buy milk", "description": "Two litres", "completed": false } }),
            ),
        };
        json!({ "query": query, "variables": variables }).to_string()
    }
}

/// One request on a connection that is kept.
pub fn http(method: &str, path: &str, token: &str, body: &str) -> String {
    let content = match body.len() {
        0 => String::new(),
        length => format!("Content-Type: application/json\r\nContent-Length: {length}\r\n"),
    };
    format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nAccept: application/json\r\n{content}\r\n{body}"
    )
}

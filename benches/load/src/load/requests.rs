//! How each door is asked for a workload.

use serde_json::json;

use super::{
    client::http,
    users::{HEAVY_USER, LIGHT_USERS, Users, random_task},
    workload::Workload,
};

/// Tasks on a page.
pub const PAGE: usize = 20;

const FIELDS: &str = "id title description completed version createdAt updatedAt";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Rest,
    GraphQl,
}

/// An endless series of requests, each of another random user.
pub struct Requests<'a> {
    pub door: Door,
    pub workload: Workload,
    pub users: &'a Users,
    /// Where the deep page starts.
    pub cursor: &'a str,
}

impl Requests<'_> {
    /// The next request, as it is sent.
    pub fn next(&self) -> String {
        let workload = self.workload.draw();
        let user = match workload {
            Workload::First | Workload::Deep => HEAVY_USER,
            _ => fastrand::u32(..LIGHT_USERS),
        };
        let token = self.users.token(user);
        match self.door {
            Door::Rest => self.rest(workload, user, token),
            Door::GraphQl => http("POST", "/graphql", token, &self.graphql(workload, user)),
        }
    }

    fn rest(&self, workload: Workload, user: u32, token: &str) -> String {
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

    /// A constant document for each workload, with variables, as clients send them.
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

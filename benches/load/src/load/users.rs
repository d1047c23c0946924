//! The users, their tokens and the ids of their tasks. All of it can be computed, here and in `sql/`: ids are numbers
//! with a prefix, because numbers are all that pgbench can draw at random.

use anyhow::Result;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::json;

/// How many users have [`TASKS`] tasks each. The one after them has many more.
pub const LIGHT_USERS: u32 = 1000;
/// How many tasks each of them has.
const TASKS: u32 = 100;

/// The users' `Authorization` headers, in the order of their numbers; the last one is the heavy user's.
pub struct Users {
    tokens: Vec<String>,
}

impl Users {
    pub fn new(secret: &str) -> Result<Self> {
        let key = EncodingKey::from_secret(secret.as_bytes());
        let expires = chrono::Utc::now().timestamp() + 3600;
        let token = |number| {
            let claims = json!({ "sub": id(number), "exp": expires });
            jsonwebtoken::encode(&Header::default(), &claims, &key)
        };
        Ok(Self { tokens: (0..=LIGHT_USERS).map(token).collect::<Result<_, _>>()? })
    }

    pub fn token(&self, user: u32) -> &str {
        self.tokens.get(user as usize).map_or("", String::as_str)
    }
}

/// The id of a user.
fn id(user: u32) -> String {
    format!("1{user:018}")
}

/// The id of one of a light user's tasks.
pub fn random_task(user: u32) -> String {
    let number = u64::from(user) * 1_000_000 + u64::from(fastrand::u32(1..=TASKS));
    format!("01900000-0000-7000-8000-{number:012}")
}

//! The users, their tokens and the ids of their tasks. All ids are computed, here and in `sql/`: they are numbers with a
//! prefix, because numbers are all that pgbench can draw at random.

use anyhow::Result;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::json;

/// Users 0 to 999 have [`TASKS`] tasks each.
pub const LIGHT_USERS: u32 = 1000;
/// The user after them has [`HEAVY_TASKS`].
pub const HEAVY_USER: u32 = LIGHT_USERS;
const TASKS: u32 = 100;
pub const HEAVY_TASKS: u32 = 100_000;
/// Longer than any run.
const TOKEN_LIFETIME_SECONDS: i64 = 3600;

/// The users' bearer tokens, by user.
pub struct Users {
    tokens: Vec<String>,
}

impl Users {
    pub fn new(secret: &str) -> Result<Self> {
        let key = EncodingKey::from_secret(secret.as_bytes());
        let expires = chrono::Utc::now().timestamp() + TOKEN_LIFETIME_SECONDS;
        let token = |user| {
            let claims = json!({ "sub": format!("1{user:018}"), "exp": expires });
            jsonwebtoken::encode(&Header::default(), &claims, &key)
        };
        Ok(Self { tokens: (0..=HEAVY_USER).map(token).collect::<Result<_, _>>()? })
    }

    pub fn token(&self, user: u32) -> &str {
        self.tokens.get(user as usize).map_or("", String::as_str)
    }
}

/// The id of one of a light user's tasks.
pub fn random_task(user: u32) -> String {
    let number = u64::from(user) * 1_000_000 + u64::from(fastrand::u32(1..=TASKS));
    format!("01900000-0000-7000-8000-{number:012}")
}

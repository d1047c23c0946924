//! Who is let in: tokens, issuers' keys and what is said to the rest.

mod bearer;
mod better_auth;
mod hostile_tokens;
mod key_sets;
mod token_process;

//! Authentication: tokens, issuers' key sets, and how others are refused.

mod bearer;
mod better_auth;
mod hostile_tokens;
mod key_sets;
mod token_process;

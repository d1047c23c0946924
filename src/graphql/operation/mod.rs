//! Operations, whatever transport they are sent with (specification, sections 6 and 7).

mod execute;
mod parameters;
mod reply;
mod subscribe;

pub(super) use self::{
    execute::{Allowed, execute, execute_batch},
    parameters::Parameters,
    reply::{Execution, Replies, Reply, to_json},
};

//! Operations, whatever they are sent with (specification, sections 6 and 7): the parameters of one, its execution, and
//! its response.

mod execute;
mod parameters;
mod reply;
mod subscribe;

pub(super) use self::{
    execute::{Allowed, Replies, Started, run_many, start},
    parameters::Parameters,
    reply::{Reply, to_json},
};

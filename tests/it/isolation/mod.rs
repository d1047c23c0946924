//! One user can neither see, nor change, nor block what is another one's.

mod fairness;
mod matrix;
mod walls;

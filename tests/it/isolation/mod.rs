//! No user can see, change or block what belongs to another.

mod fairness;
mod matrix;
mod walls;

//! Fields of REST's bodies that nothing read.

use metrics::counter;

pub(super) const IGNORED: &str = "tandem_rest_ignored_fields_total";

/// Counts one in a request. `name` is of a fixed list, or `other`.
pub(crate) fn field_ignored(name: &'static str) {
    counter!(IGNORED, "field" => name).increment(1);
}

//! The paths of health checks, which no limit applies to.

/// Whether the server is alive, whether it is ready, and the older name of the latter.
pub(crate) const PROBES: [&str; 3] = ["/livez", "/readyz", "/health"];

/// Whether a path leads to a health check.
pub(crate) fn is_probe(path: &str) -> bool {
    PROBES.contains(&path)
}

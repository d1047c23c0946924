//! What operators see of streams.

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

use super::{Ended, Outlet};

const STREAMS: &str = "tandem_streams";
const ENDED: &str = "tandem_streams_ended_total";
const REFUSED: &str = "tandem_streams_refused_total";

/// Describes them to the collector.
pub(crate) fn describe() {
    describe_gauge!(
        STREAMS,
        Unit::Count,
        "Open WebSockets and event streams by outlet: websocket, graphql_sse, rest_sse or export"
    );
    describe_counter!(ENDED, Unit::Count, "Ended streams by outlet and reason");
    describe_counter!(REFUSED, Unit::Count, "Streams refused by limit: user or server");
}

pub(in crate::http::streams) fn opened(outlet: Outlet) {
    gauge!(STREAMS, "outlet" => outlet.as_str()).increment(1);
}

pub(in crate::http::streams) fn ended(outlet: Outlet, reason: Option<Ended>) {
    gauge!(STREAMS, "outlet" => outlet.as_str()).decrement(1);
    let reason = reason.map_or("client", Ended::as_str);
    counter!(ENDED, "outlet" => outlet.as_str(), "reason" => reason).increment(1);
}

pub(in crate::http::streams) fn refused(limit: &'static str) {
    counter!(REFUSED, "limit" => limit).increment(1);
}

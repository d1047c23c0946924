//! Where a request comes from, behind proxies too.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use axum::http::{HeaderMap, HeaderName, header::FORWARDED};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The networks whose word about who they speak for is taken. Others could write into these headers what they like.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl FromStr for TrustedProxies {
    type Err = String;

    /// Addresses and networks like `10.0.0.0/8`, separated by commas.
    fn from_str(text: &str) -> Result<Self, String> {
        let parse = |word: &str| {
            let network = word.parse().or_else(|_| word.parse().map(|address: IpAddr| address.into()));
            network.map_err(|_| format!("`{word}` is neither an address nor a network like 10.0.0.0/8"))
        };
        text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(parse).collect::<Result<_, _>>().map(Self)
    }
}

impl TrustedProxies {
    /// The address a request comes from: that of the last hop that isn't trusted. The peer's where all are trusted, or
    /// where the last one that isn't can't be read: no request is without an address.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            return peer;
        }
        let is_trusted = |hop: &Option<IpAddr>| hop.is_some_and(|address| self.trusts(address));
        hops(headers).rev().find(|hop| !is_trusted(hop)).flatten().unwrap_or(peer)
    }

    /// Whether a forwarding header is ignored, because the peer isn't trusted.
    pub(super) fn ignores(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        (headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(FORWARDED)) && !self.trusts(peer.to_canonical())
    }

    /// Whether this address is one of them.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// What counts as one client: an address, or with IPv6 the network that a single customer has.
pub(crate) fn client_key(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

/// The hops a request came by, the client first; `None` for one that is no address. `Forwarded` (RFC 7239) is read where
/// there is no `X-Forwarded-For`, which nearly all proxies write.
fn hops(headers: &HeaderMap) -> std::vec::IntoIter<Option<IpAddr>> {
    let has_x_forwarded_for = headers.contains_key(X_FORWARDED_FOR);
    let name = if has_x_forwarded_for { X_FORWARDED_FOR } else { FORWARDED };
    let values = headers.get_all(name).into_iter();
    // Split as bytes: a client may write any byte in front of what its proxy adds.
    let hops = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(|hop| {
        let hop = str::from_utf8(hop).ok()?;
        address(if has_x_forwarded_for { hop } else { forwarded_for(hop)? })
    });
    hops.collect::<Vec<_>>().into_iter()
}

/// The node in `for=…` of one element.
fn forwarded_for(element: &str) -> Option<&str> {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let mut nodes = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for")).map(|(_, node)| node);
    nodes.next().map(|node| node.trim().trim_matches('"'))
}

/// An address, with or without a port and brackets.
fn address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let bare = hop.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let address = bare.or_else(|_| hop.parse::<SocketAddr>().map(|with_port| with_port.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn client(peer: &str, headers: &[(HeaderName, &str)]) -> String {
        let proxies: TrustedProxies = "10.0.0.0/8, fd00::/8, 192.0.2.7".parse().unwrap();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        proxies.client(peer.parse().unwrap(), &map).to_string()
    }

    #[test]
    fn only_trusted_peers_are_asked_whom_they_speak_for() {
        let claimed = [(X_FORWARDED_FOR, "198.51.100.1"), (FORWARDED, "for=198.51.100.1")];
        assert_eq!(client("203.0.113.5", &claimed), "203.0.113.5");
        assert_eq!(client("10.1.2.3", &claimed), "198.51.100.1");
        assert_eq!(client("::ffff:10.1.2.3", &claimed), "198.51.100.1");
    }

    #[test]
    fn the_last_hop_that_is_not_trusted_counts() {
        for (expected, header, value) in [
            ("198.51.100.1", X_FORWARDED_FOR, "1.1.1.1, 198.51.100.1, 10.9.9.9"),
            ("198.51.100.1", X_FORWARDED_FOR, "198.51.100.1:4711,192.0.2.7"),
            ("2001:db8::1", X_FORWARDED_FOR, "[2001:db8::1]:80"),
            ("198.51.100.1", FORWARDED, "for=1.1.1.1, for=198.51.100.1;proto=https;by=10.0.0.1"),
            ("2001:db8::1", FORWARDED, "proto=http; For=\"[2001:db8::1]:4711\""),
        ] {
            assert_eq!(client("10.0.0.1", &[(header, value)]), expected, "{value}");
        }
        let two = [(X_FORWARDED_FOR, "1.1.1.1"), (X_FORWARDED_FOR, "198.51.100.1")];
        assert_eq!(client("10.0.0.1", &two), "198.51.100.1");
    }

    #[test]
    fn without_a_readable_hop_that_is_not_trusted_the_peer_counts() {
        for headers in [
            vec![],
            vec![(X_FORWARDED_FOR, "10.0.0.9")],
            vec![(X_FORWARDED_FOR, "1.1.1.1, unknown")],
            vec![(X_FORWARDED_FOR, "1.1.1.1, \u{e9}")],
            vec![(FORWARDED, "for=1.1.1.1, for=\u{e9}")],
        ] {
            assert_eq!(client("10.0.0.1", &headers), "10.0.0.1", "{headers:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_hide_no_hop_behind_them() {
        for header in [(X_FORWARDED_FOR, "\u{e9}, 198.51.100.1"), (FORWARDED, "for=\u{e9}, for=198.51.100.1")] {
            assert_eq!(client("10.0.0.1", &[header]), "198.51.100.1");
        }
    }

    #[test]
    fn an_ipv6_customer_is_one_client() {
        let [one, other, elsewhere] =
            ["2001:db8::1", "2001:db8::2:3", "2001:db8:0:1::1"].map(|text| text.parse().unwrap());
        assert_eq!(client_key(one), client_key(other));
        assert_ne!(client_key(one), client_key(elsewhere));
    }

    #[test]
    fn proxies_are_addresses_and_networks() {
        assert!("10.0.0.0/33".parse::<TrustedProxies>().is_err());
        assert!("proxy.example.com".parse::<TrustedProxies>().is_err());
        assert!("".parse::<TrustedProxies>().unwrap().0.is_empty());
    }
}

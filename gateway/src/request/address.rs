//! From where a request comes, and which addresses count as one.

use std::net::{IpAddr, Ipv6Addr};

use actix_web::HttpRequest;
use ipnet::IpNet;

/// The client's address. `X-Forwarded-For` counts only when it was written by a proxy that is configured, and is read from its end:
/// what stands before the last address that is no proxy of ours was written by the client.
pub(crate) fn client(request: &HttpRequest, proxies: &[IpNet]) -> IpAddr {
    let peer =
        request.peer_addr().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |address| address.ip()).to_canonical();
    let is_proxy = |address: &IpAddr| proxies.iter().any(|network| network.contains(address));
    if !is_proxy(&peer) {
        return peer;
    }
    let mut forwarded: Vec<IpAddr> = Vec::new();
    for header in request.headers().get_all("x-forwarded-for") {
        let header = header.to_str().unwrap_or_default();
        forwarded.extend(
            header
                .split(',')
                .filter_map(|part| part.trim().parse::<IpAddr>().ok())
                .map(|ip| ip.to_canonical()),
        );
    }
    forwarded.into_iter().rev().find(|address| !is_proxy(address)).unwrap_or(peer)
}

/// The address that limits are counted by: of IPv6 its /64, which one household has to itself.
pub(crate) fn bucket(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn seen(peer: &str, forwarded: &[&str], proxies: &[&str]) -> String {
        let mut request = TestRequest::default().peer_addr(format!("{peer}:1234").parse().unwrap());
        for header in forwarded {
            request = request.append_header(("X-Forwarded-For", *header));
        }
        let proxies: Vec<IpNet> = proxies.iter().map(|network| network.parse().unwrap()).collect();
        client(&request.to_http_request(), &proxies).to_string()
    }

    #[test]
    fn a_header_counts_only_behind_a_configured_proxy() {
        assert_eq!(seen("9.9.9.9", &["1.1.1.1"], &[]), "9.9.9.9");
        assert_eq!(seen("10.0.0.1", &["1.1.1.1"], &["10.0.0.0/8"]), "1.1.1.1");
        assert_eq!(seen("10.0.0.1", &["6.6.6.6, 1.1.1.1, 10.0.0.2"], &["10.0.0.0/8"]), "1.1.1.1");
        assert_eq!(seen("10.0.0.1", &["6.6.6.6", "1.1.1.1"], &["10.0.0.0/8"]), "1.1.1.1");
        assert_eq!(seen("10.0.0.1", &["nonsense"], &["10.0.0.0/8"]), "10.0.0.1");
        assert_eq!(seen("[::ffff:9.9.9.9]", &[], &[]), "9.9.9.9");
    }

    #[test]
    fn neighbours_in_a_64_are_one() {
        let of = |text: &str| bucket(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("1.2.3.4"), of("1.2.3.5"));
    }
}

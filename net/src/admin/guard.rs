//! Who may ask on the loopback address.
//!
//! A page in the operator's browser can send requests there, too: under a name of its own that it
//! lets resolve to 127.0.0.1 (so the `Host` has to be the address itself), or across origins (so
//! an `Origin` has to be this door's). And any user of the machine can connect (so everything but
//! `/healthz` and the status page's own files, which hold no data, needs the token).

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};
use ltms_core::hash::sha256;
use std::net::{IpAddr, SocketAddr};
use zeroize::Zeroizing;

use super::page;

/// Why a request is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Host,
    Origin,
    Token,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::Host => (
                StatusCode::MISDIRECTED_REQUEST,
                "ask for 127.0.0.1 or [::1] by that address, not by a name\n",
            ),
            Self::Origin => (StatusCode::FORBIDDEN, "pages of other origins may not ask here\n"),
            Self::Token => (
                StatusCode::UNAUTHORIZED,
                "send the token of this node as `Authorization: Bearer TOKEN`\n",
            ),
        };
        let mut response = (status, text).into_response();
        if self == Self::Token {
            let scheme = header::HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

/// The routes, for whoever may ask them.
pub(super) fn guarded(routes: Router, token: Zeroizing<String>) -> Router {
    // Comparing hashes takes the same time whatever was sent.
    let expected = sha256(&[token.as_bytes()]);
    routes.layer(from_fn(move |request: Request, next: Next| async move {
        let mut response = match judge(request.uri().path(), request.headers(), &expected) {
            Ok(()) => next.run(request).await,
            Err(refusal) => refusal.into_response(),
        };
        page::restrict(response.headers_mut());
        response
    }))
}

fn judge(path: &str, headers: &HeaderMap, expected: &[u8; 32]) -> Result<(), Refusal> {
    let host = only(headers, header::HOST).ok_or(Refusal::Host)?;
    if !is_loopback(host) {
        return Err(Refusal::Host);
    }
    if headers.contains_key(header::ORIGIN) {
        let origin = only(headers, header::ORIGIN).and_then(|text| text.strip_prefix("http://"));
        if origin != Some(host) {
            return Err(Refusal::Origin);
        }
    }
    if path == "/healthz" || page::is_file(path) {
        return Ok(());
    }
    let token = only(headers, header::AUTHORIZATION).and_then(|text| text.strip_prefix("Bearer "));
    match token {
        Some(token) if sha256(&[token.as_bytes()]) == *expected => Ok(()),
        _ => Err(Refusal::Token),
    }
}

/// The value of a header that is there once.
fn only(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Whether it is a loopback address in digits, with or without a port.
fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let with_port = host.parse::<SocketAddr>().map(|address| address.ip());
    with_port.or_else(|_| bare.parse::<IpAddr>()).is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123";

    fn asked(path: &str, headers: &[(header::HeaderName, &'static str)]) -> Result<(), Refusal> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.clone(), header::HeaderValue::from_static(value));
        }
        judge(path, &map, &sha256(&[TOKEN.as_bytes()]))
    }

    const BEARER: (header::HeaderName, &str) = (header::AUTHORIZATION, "Bearer 0123");

    #[test]
    fn the_host_is_a_loopback_address_in_digits() {
        for host in ["127.0.0.1", "127.0.0.1:80", "127.9.9.9:1", "[::1]", "[::1]:8080"] {
            assert_eq!(asked("/", &[(header::HOST, host), BEARER]), Ok(()), "{host}");
        }
        let others = ["localhost", "localhost:80", "a.example", "10.0.0.1", "127.0.0.1.a.example"];
        for host in others.into_iter().chain(["", "[::2]:80", "127.0.0.1:80:80", "0.0.0.0"]) {
            assert_eq!(asked("/", &[(header::HOST, host), BEARER]), Err(Refusal::Host), "{host}");
        }
        assert_eq!(asked("/", &[BEARER]), Err(Refusal::Host), "none");
        let two = [(header::HOST, "127.0.0.1"), (header::HOST, "127.0.0.1"), BEARER];
        assert_eq!(asked("/", &two), Err(Refusal::Host), "two");
    }

    #[test]
    fn an_origin_is_this_door() {
        let with = |origin| {
            asked("/", &[(header::HOST, "127.0.0.1:80"), (header::ORIGIN, origin), BEARER])
        };
        assert_eq!(with("http://127.0.0.1:80"), Ok(()));
        for origin in ["null", "https://127.0.0.1:80", "http://127.0.0.1:81", "http://a.example"] {
            assert_eq!(with(origin), Err(Refusal::Origin), "{origin}");
        }
    }

    #[test]
    fn everything_but_the_health_needs_the_token() {
        let host = (header::HOST, "127.0.0.1");
        assert_eq!(asked("/healthz", std::slice::from_ref(&host)), Ok(()));
        assert_eq!(asked("/", std::slice::from_ref(&host)), Ok(()), "the page is no data");
        assert_eq!(asked("/page.js", std::slice::from_ref(&host)), Ok(()));
        for path in ["//", "/page.json", "/metrics", "/api/v1/peers", "/healthz/", "//healthz"] {
            assert_eq!(asked(path, std::slice::from_ref(&host)), Err(Refusal::Token), "{path}");
        }
        for token in ["Bearer 0124", "Bearer 0123 ", "bearer 0123", "0123", "Basic 0123"] {
            let asked = asked("/metrics", &[host.clone(), (header::AUTHORIZATION, token)]);
            assert_eq!(asked, Err(Refusal::Token), "{token}");
        }
        let two = [host, BEARER, BEARER];
        assert_eq!(asked("/metrics", &two), Err(Refusal::Token), "two");
    }

    #[test]
    fn the_health_is_not_for_foreign_pages_either() {
        let asked = asked("/healthz", &[(header::HOST, "a.example")]);
        assert_eq!(asked, Err(Refusal::Host));
    }
}

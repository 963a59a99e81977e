//! The status page: files without data, which whoever may ask on the door can read. The data they
//! fetch, with the token.

use axum::{
    Router,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::IntoResponse,
    routing::get,
};

/// What a browser may do with an answer of the door: nothing but run our script, which may ask
/// nobody but this door, and can put nothing in the page but text.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
         img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Path, media type and content.
const FILES: [(&str, &str, &str); 7] = [
    ("/", "text/html; charset=utf-8", include_str!("page/index.html")),
    ("/page.css", "text/css; charset=utf-8", include_str!("page/page.css")),
    ("/page.js", "text/javascript; charset=utf-8", include_str!("page/page.js")),
    ("/charts.js", "text/javascript; charset=utf-8", include_str!("page/charts.js")),
    ("/tables.js", "text/javascript; charset=utf-8", include_str!("page/tables.js")),
    ("/text.js", "text/javascript; charset=utf-8", include_str!("page/text.js")),
    ("/icon.svg", "image/svg+xml", include_str!("page/icon.svg")),
];

/// Whether a path is of the page and so needs no token: a browser that opens it has none to send,
/// and there is nothing in it that every copy of the program does not have.
pub(super) fn is_file(path: &str) -> bool {
    FILES.iter().any(|(file, ..)| *file == path)
}

/// The routes to the files.
pub(super) fn routes() -> Router {
    FILES.into_iter().fold(Router::new(), |routes, (path, media, content)| {
        routes.route(
            path,
            get(async move || ([(header::CONTENT_TYPE, media)], content).into_response()),
        )
    })
}

/// Tells a browser what it may do with an answer.
pub(super) fn restrict(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

//! One HTTP server: asked within deadlines, read within bounds, never followed elsewhere.

use std::{error::Error, fmt, future::Future, io, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, StatusCode, Uri, body::Body, body::Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::SourceError;

/// The shortest first pause between two attempts, and the longest of all.
const MIN_BACKOFF: Duration = Duration::from_millis(1);
const MAX_BACKOFF: Duration = Duration::from_secs(5);
/// No question takes longer, whatever the options say.
const MAX_DEADLINE: Duration = Duration::from_secs(3_600);
/// lotusd closes connections on which nothing was said for 30 s.
const IDLE: Duration = Duration::from_secs(20);
/// What is kept of a message of the server, in characters.
const MAX_MESSAGE: usize = 200;

/// How patient a client is, and which certificates it trusts.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// To open a connection.
    pub connect_timeout: Duration,
    /// For one request and its answer, the connection included.
    pub request_timeout: Duration,
    /// For one question to the chain, with all its requests and attempts; at most an hour.
    pub deadline: Duration,
    /// The first pause between two attempts. It doubles each time, up to 5 s, and is shortened at
    /// random by up to one half.
    pub backoff: Duration,
    /// Certificates of authorities (DER) trusted besides those of the operating system.
    pub authorities: Vec<Vec<u8>>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(15),
            deadline: Duration::from_secs(30),
            backoff: Duration::from_millis(250),
            authorities: Vec::new(),
        }
    }
}

/// Why there can be no client for a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Not of the form `http://host:port/path` or `https://…`.
    #[error("not an http or https URL")]
    Url,
    /// A URL is shown and logged, so that it must not hold secrets.
    #[error("a URL must not contain a user name or password")]
    UrlCredentials,
    /// Only a path may follow the host.
    #[error("a URL of a chain source has no query")]
    UrlQuery,
    /// A user name, password or cookie has characters that cannot be sent.
    #[error("the credentials contain characters that cannot be sent")]
    Credentials,
    /// There is no certificate to trust, or it cannot be read.
    #[error("no usable certificate of an authority: {0}")]
    Authorities(String),
}

/// A client for one server.
pub(super) struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// Without a slash at the end.
    base: String,
    options: HttpOptions,
}

/// An answer that was read to its end.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
}

impl Http {
    /// A client for what lies below `url`. It uses no proxy, also if the environment names one.
    pub(super) fn new(url: &str, options: HttpOptions) -> Result<Self, EndpointError> {
        let uri: Uri = url.parse().map_err(|_| EndpointError::Url)?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(EndpointError::Url),
        };
        let authority = uri.authority().ok_or(EndpointError::Url)?;
        if authority.as_str().contains('@') {
            return Err(EndpointError::UrlCredentials);
        }
        if uri.query().is_some() {
            return Err(EndpointError::UrlQuery);
        }
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(options.connect_timeout));
        tcp.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls_config(tls, &options.authorities)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(2)
            .build(connector);
        Ok(Self { client, base: url.trim_end_matches('/').to_owned(), options })
    }

    /// A request for `path`, which begins with a slash.
    pub(super) fn request(&self, path: &str) -> hyper::http::request::Builder {
        Request::builder().uri(format!("{}{path}", self.base))
    }

    /// Tries until the answer is anything but [`SourceError::Unavailable`], or the deadline.
    pub(super) async fn patiently<T, F>(
        &self,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, SourceError>
    where
        F: Future<Output = Result<T, SourceError>>,
    {
        let deadline = Instant::now() + self.options.deadline.min(MAX_DEADLINE);
        let mut backoff = self.options.backoff.clamp(MIN_BACKOFF, MAX_BACKOFF);
        let mut last = None;
        loop {
            let error = match timeout_at(deadline, attempt()).await {
                Ok(Err(error @ SourceError::Unavailable(_))) => error,
                Ok(answer) => return answer,
                Err(_) => return Err(last.unwrap_or_else(|| late(self.options.deadline))),
            };
            let pause = backoff.mul_f64(rand::random_range(0.5..=1.0));
            if Instant::now() + pause >= deadline {
                return Err(error);
            }
            tracing::debug!(source = self.base, %error, ?pause, "asking the chain source again");
            last = Some(error);
            sleep(pause).await;
            backoff = (backoff * 2).min(MAX_BACKOFF);
        }
    }

    /// One request, and an answer of at most `limit` bytes. Answers that mean the same for every
    /// kind of server are errors already.
    pub(super) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        limit: usize,
    ) -> Result<Answer, SourceError> {
        let exchange = async {
            let response = self.client.request(request).await.map_err(|error| failed(&error))?;
            read(response, limit).await
        };
        let answer = timeout(self.options.request_timeout, exchange)
            .await
            .map_err(|_| late(self.options.request_timeout))??;
        let status = answer.status;
        match status {
            StatusCode::FORBIDDEN => Err(SourceError::Refused(format!("HTTP {status}"))),
            _ if status.is_redirection() => {
                Err(SourceError::Refused(format!("HTTP {status}, and redirects are not followed")))
            }
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => {
                Err(SourceError::Unavailable(format!("HTTP {status}")))
            }
            _ => Ok(answer),
        }
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("base", &self.base).field("options", &self.options).finish()
    }
}

/// Reads the certificates of the operating system only where TLS is wanted.
fn tls_config(wanted: bool, authorities: &[Vec<u8>]) -> Result<ClientConfig, EndpointError> {
    let unusable = |error: rustls::Error| EndpointError::Authorities(error.to_string());
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(CertificateDer::from_slice(authority)).map_err(unusable)?;
    }
    if wanted {
        let native = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(native.certs);
        if roots.is_empty() {
            return Err(EndpointError::Authorities(format!("{:?}", native.errors)));
        }
    }
    Ok(ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

async fn read(response: Response<Incoming>, limit: usize) -> Result<Answer, SourceError> {
    let too_long = || SourceError::WrongAnswer(format!("more than {limit} bytes"));
    let (head, mut incoming) = response.into_parts();
    // What the server announces is refused before it is read, and believed no further.
    if incoming.size_hint().lower() > limit as u64 {
        return Err(too_long());
    }
    let mut body = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| failed(&error))?;
        let data = frame.data_ref().map_or(&[][..], |data| data);
        if data.len() > limit - body.len() {
            return Err(too_long());
        }
        body.extend_from_slice(data);
    }
    Ok(Answer { status: head.status, body })
}

fn late(after: Duration) -> SourceError {
    SourceError::Unavailable(format!("no answer within {after:?}"))
}

/// A failure below HTTP. A server with a wrong certificate is not asked again.
fn failed(error: &(dyn Error + 'static)) -> SourceError {
    let mut message = error.to_string();
    let mut wrong_certificate = false;
    let mut cause = error.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        wrong_certificate |= matches!(tls_error(error), Some(rustls::Error::InvalidCertificate(_)));
        cause = error.source();
    }
    let message = printable(&message);
    if wrong_certificate {
        SourceError::Refused(message)
    } else {
        SourceError::Unavailable(message)
    }
}

/// The TLS error inside an I/O error, in which it may lie more than one level deep.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    error.downcast_ref().or_else(|| tls_error(error.downcast_ref::<io::Error>()?.get_ref()?))
}

/// The beginning of what somebody else wrote, safe to print.
pub(super) fn printable(message: &str) -> String {
    message.chars().take(MAX_MESSAGE).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(options: HttpOptions) -> Http {
        Http::new("http://127.0.0.1:1", options).unwrap()
    }

    fn unavailable() -> Result<(), SourceError> {
        Err(SourceError::Unavailable("asleep".to_owned()))
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_double_and_end_at_the_deadline() {
        let began = Instant::now();
        let mut asked = Vec::new();
        let attempt = || {
            asked.push(began.elapsed());
            async { unavailable() }
        };
        assert_eq!(http(HttpOptions::default()).patiently(attempt).await, unavailable());
        assert!(began.elapsed() <= Duration::from_secs(30));
        let mut longest = Duration::from_millis(250);
        for pair in asked.windows(2) {
            let pause = pair[1] - pair[0];
            // The clock of the runtime counts milliseconds, and rounds up.
            assert!(pause >= longest / 2 && pause <= longest + Duration::from_millis(1));
            longest = (longest * 2).min(MAX_BACKOFF);
        }
        assert!(asked.len() > 7 && longest == MAX_BACKOFF, "{asked:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_without_end_ends_at_the_deadline() {
        let began = Instant::now();
        let http = http(HttpOptions::default());
        let answer = http.patiently(std::future::pending::<Result<(), _>>).await;
        assert_eq!(answer, Err(late(Duration::from_secs(30))));
        assert_eq!(began.elapsed(), Duration::from_secs(30));
        // What went wrong before says more.
        let mut first = true;
        let attempt = || {
            let fails = std::mem::take(&mut first);
            async move { if fails { unavailable() } else { std::future::pending().await } }
        };
        assert_eq!(http.patiently(attempt).await, unavailable());
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_may_pass_is_tried_again() {
        let mut asked = 0;
        let attempt = || {
            asked += 1;
            let answer = match asked {
                1 | 2 => unavailable(),
                3 => Err(SourceError::Refused(String::new())),
                _ => Ok(()),
            };
            async { answer }
        };
        let answer = http(HttpOptions::default()).patiently(attempt).await;
        assert_eq!((answer, asked), (Err(SourceError::Refused(String::new())), 3));
    }

    #[tokio::test(start_paused = true)]
    async fn options_without_sense_do_no_harm() {
        let [long, none] = [Duration::MAX, Duration::ZERO].map(|time| HttpOptions {
            connect_timeout: time,
            request_timeout: time,
            deadline: time,
            backoff: time,
            authorities: Vec::new(),
        });
        let began = Instant::now();
        assert_eq!(http(long).patiently(|| async { unavailable() }).await, unavailable());
        assert!(began.elapsed() <= MAX_DEADLINE);
        assert_eq!(http(none).patiently(|| async { unavailable() }).await, unavailable());
    }

    #[test]
    fn what_others_wrote_is_short_and_safe_to_print() {
        assert_eq!(printable("a\x1b[31m\r\nb"), "a [31m  b");
        assert_eq!(printable(&"\u{1f600}".repeat(300)).chars().count(), MAX_MESSAGE);
    }

    #[test]
    fn certificates_that_are_none_are_refused() {
        let options = HttpOptions { authorities: vec![vec![1, 2, 3]], ..HttpOptions::default() };
        let error = Http::new("https://chronik.example", options).err();
        assert!(matches!(error, Some(EndpointError::Authorities(_))));
    }
}

//! Servers that stall, break off, never end, refuse and redirect.

use std::time::{Duration, Instant};

use ltms_core::Network;
use ltms_net::chain::{
    ChainSource, Chronik, Credentials, EndpointError, HttpOptions, LotusdRpc, SourceError,
};
use zeroize::Zeroizing;

use crate::server::{Reply, Server, hasty, head, patient};
use crate::vectors::{A, PASSWORD, TIP, hash, rpc, txid};

/// Both kinds of source, and what they say of such a server.
async fn asked(reply: Reply, options: HttpOptions) -> Vec<SourceError> {
    let server = Server::start(move |_| reply.clone()).await;
    let lotusd = rpc(&server.url, options.clone());
    let chronik = Chronik::new(&server.url, Network::Reg, options).unwrap();
    let mut errors = Vec::new();
    for source in [&lotusd as &dyn ChainSource, &chronik] {
        errors.push(source.tip().await.unwrap_err());
        errors.push(source.header(hash(TIP)).await.unwrap_err());
        errors.push(source.transaction(txid(A)).await.unwrap_err());
    }
    assert!(errors.iter().all(|error| !error.to_string().contains(PASSWORD)));
    errors
}

macro_rules! assert_all {
    ($errors:expr, $kind:ident) => {
        for error in $errors {
            assert!(matches!(error, SourceError::$kind(_)), "{error:?}");
        }
    };
}

#[tokio::test]
async fn the_deadline_holds_wherever_a_server_stalls() {
    for start in [b"".to_vec(), b"HTTP/1.1 200 OK\r\ncont".to_vec(), head(200, 10), {
        [head(200, 10), b"{".to_vec()].concat()
    }] {
        let options = HttpOptions { deadline: Duration::from_millis(60), ..hasty() };
        let began = Instant::now();
        let errors = asked(Reply::Stall(start), options).await;
        // Six questions.
        assert!(began.elapsed() < Duration::from_secs(2));
        assert!(errors.iter().all(|error| error.to_string().contains("no answer within")));
        assert_all!(errors, Unavailable);
    }
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = rpc(&url, hasty()).tip().await.unwrap_err();
    assert!(matches!(&error, SourceError::Unavailable(reason) if reason.contains("refused")));
}

#[tokio::test]
async fn broken_off_answers_are_no_answers() {
    let hasty = || HttpOptions { deadline: Duration::from_millis(60), ..hasty() };
    assert_all!(asked(Reply::Break(Vec::new()), hasty()).await, Unavailable);
    assert_all!(asked(Reply::Break(b"HTTP/1.1 200".to_vec()), hasty()).await, Unavailable);
    let short = [head(200, 100), b"{\"result\":".to_vec()].concat();
    assert_all!(asked(Reply::Break(short), hasty()).await, Unavailable);
    // No length was announced, so that only the content shows it.
    let open = b"HTTP/1.1 200 OK\r\n\r\n{\"result\":".to_vec();
    assert_all!(asked(Reply::Break(open), hasty()).await, WrongAnswer);
}

#[tokio::test]
async fn no_more_is_read_than_an_answer_may_have() {
    let errors = asked(Reply::Stall(head(200, u64::MAX / 2)), patient()).await;
    assert!(errors.iter().all(|error| error.to_string().contains("more than")));
    assert_all!(errors, WrongAnswer);
    let server = Server::start(|_| Reply::Endless).await;
    let errors = [
        rpc(&server.url, patient()).tip().await.unwrap_err(),
        Chronik::new(&server.url, Network::Reg, patient()).unwrap().tip().await.unwrap_err(),
    ];
    assert!(errors.iter().all(|error| error.to_string().contains("more than 1048576 bytes")));
    assert_all!(errors, WrongAnswer);
}

#[tokio::test]
async fn an_endless_block_ends_at_64_mib() {
    let server = Server::start(|_| Reply::Endless).await;
    let chronik = Chronik::new(&server.url, Network::Reg, patient()).unwrap();
    let error = chronik.header(hash(TIP)).await.unwrap_err();
    assert!(error.to_string().contains("more than 67108864 bytes"), "{error}");
}

#[tokio::test]
async fn statuses_are_told_apart() {
    let page = b"<html>Not found</html>".to_vec();
    assert_all!(asked(Reply::Answer(401, Vec::new()), patient()).await, Refused);
    assert_all!(asked(Reply::Answer(403, Vec::new()), patient()).await, Refused);
    // A page that is missing on a web server says nothing about the chain.
    assert_all!(asked(Reply::Answer(404, page.clone()), patient()).await, WrongAnswer);
    assert_all!(asked(Reply::Answer(404, Vec::new()), patient()).await, WrongAnswer);
    assert_all!(asked(Reply::Answer(200, page.clone()), patient()).await, WrongAnswer);
    for status in [500, 502, 503, 429] {
        let mut options = hasty();
        options.deadline = Duration::from_millis(40);
        assert_all!(asked(Reply::Answer(status, page.clone()), options).await, Unavailable);
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Server::start(|_| Reply::Answer(200, Vec::new())).await;
    let location: &'static str = format!("location: {}", elsewhere.url).leak();
    for status in [301, 302, 307, 308] {
        let errors = asked(Reply::Header(status, location), patient()).await;
        assert!(errors.iter().all(|error| error.to_string().contains("redirects")));
        assert_all!(errors, Refused);
    }
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn urls_that_cannot_be_used_are_refused_at_once() {
    let new = |url| Chronik::new(url, Network::Main, HttpOptions::default()).map(|_| ());
    assert_eq!(new("http://127.0.0.1:10604/"), Ok(()));
    for url in ["", "chronik.example", "ftp://chronik.example", "http://", "http:///tx", "/x"] {
        assert_eq!(new(url), Err(EndpointError::Url), "{url}");
    }
    assert_eq!(new("http://a:b@chronik.example"), Err(EndpointError::UrlCredentials));
    assert_eq!(new("http://chronik.example?a"), Err(EndpointError::UrlQuery));
}

#[test]
fn secrets_are_not_shown() {
    let password = Zeroizing::new(PASSWORD.to_owned());
    let credentials = Credentials::password("user", &password).unwrap();
    let url = "http://127.0.0.1:1";
    let rpc =
        LotusdRpc::new(url, credentials.clone(), Network::Reg, HttpOptions::default()).unwrap();
    let shown = format!("{rpc:?} {credentials:?}");
    assert!(shown.contains(url) && !shown.contains("hunter2") && !shown.contains("aHVudGVy"));
    let refused = |user, password: &str| {
        Credentials::password(user, &Zeroizing::new(password.to_owned())).err()
    };
    assert_eq!(refused("user", "with spaces"), None);
    assert_eq!(refused("us:er", "x"), Some(EndpointError::Credentials));
    assert_eq!(refused("user", "x\r\ny"), Some(EndpointError::Credentials));
}

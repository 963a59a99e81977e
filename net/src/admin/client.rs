//! Asking a running node over its Unix socket.

use std::{io, path::Path, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Request, StatusCode, client::conn::http1::handshake};
use hyper_util::rt::TokioIo;
use tokio::{net::UnixStream, time::timeout};

/// In which a node has to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer; a full directory has some 500 KB.
const LARGEST: usize = 16 << 20;

/// A node could not be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// Nobody answers on the socket.
    #[error("no node answers on {path}: {error}; {}", advice(path, error))]
    Connect {
        /// The socket.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// It did not answer in time.
    #[error("the node gave no answer within {} s", PATIENCE.as_secs())]
    Late,
    /// What it answered cannot be read.
    #[error("the node's answer cannot be read: {0}")]
    Unreadable(String),
    /// It said no.
    #[error("{0}")]
    Refused(String),
}

fn advice(path: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "the socket is its user's alone: ask as the user that runs the node".to_owned()
        }
        _ => format!("is it running, with `--admin-socket {path}`?"),
    }
}

/// The body of a node's answer.
///
/// # Errors
/// [`AskError`]; anything but success is [`AskError::Refused`] with what the node said.
pub async fn ask(
    socket: &Path,
    method: Method,
    path: &str,
    body: impl Into<Bytes>,
) -> Result<Bytes, AskError> {
    let body = body.into();
    timeout(PATIENCE, asked(socket, method, path, body)).await.map_err(|_| AskError::Late)?
}

async fn asked(socket: &Path, method: Method, path: &str, body: Bytes) -> Result<Bytes, AskError> {
    fn unreadable(error: impl ToString) -> AskError {
        AskError::Unreadable(error.to_string())
    }
    let stream = UnixStream::connect(socket).await;
    let stream =
        stream.map_err(|error| AskError::Connect { path: socket.display().to_string(), error })?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(unreadable)?;
    let request = Request::builder().method(method).uri(path).header("Host", "node");
    let request = request.header("Content-Type", "text/plain");
    let request = request.body(Full::new(body)).map_err(unreadable)?;
    let exchange = async {
        let answer = sender.send_request(request).await.map_err(unreadable)?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), LARGEST).collect().await;
        Ok((status, body.map_err(unreadable)?.to_bytes()))
    };
    let (status, body) = tokio::select! {
        answer = exchange => answer?,
        // It ends by itself only when the node hangs up.
        ended = connection => return Err(unreadable(match ended {
            Err(error) => error.to_string(),
            Ok(()) => "it hung up".to_owned(),
        })),
    };
    if status.is_success() { Ok(body) } else { Err(AskError::Refused(complaint(status, &body))) }
}

/// What the node says is wrong.
fn complaint(status: StatusCode, body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Body {
        error: String,
    }
    serde_json::from_slice::<Body>(body).map_or_else(|_| status.to_string(), |body| body.error)
}

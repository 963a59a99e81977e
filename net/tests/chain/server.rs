//! An HTTP server that does as it is told, right or wrong.

use std::sync::{Arc, Mutex};

use ltms_net::chain::HttpOptions;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Patience enough for a loaded machine, where an answer is to come.
pub(crate) fn patient() -> HttpOptions {
    HttpOptions { backoff: Duration::from_millis(1), ..HttpOptions::default() }
}

/// Hardly any patience, where none is to come.
pub(crate) fn hasty() -> HttpOptions {
    HttpOptions {
        connect_timeout: Duration::from_millis(50),
        request_timeout: Duration::from_millis(50),
        deadline: Duration::from_millis(200),
        backoff: Duration::from_millis(20),
        ..HttpOptions::default()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// The whole head, in lower case but for the values.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let line = |line: &&str| line.to_ascii_lowercase().starts_with(&format!("{name}:"));
        Some(self.head.lines().find(line)?.split_once(':')?.1.trim())
    }
}

#[derive(Clone)]
pub(crate) enum Reply {
    /// An answer of the right length.
    Answer(u16, Vec<u8>),
    /// A status with one more header.
    Header(u16, &'static str),
    /// These bytes, and then the end of the connection.
    Break(Vec<u8>),
    /// These bytes, and then nothing.
    Stall(Vec<u8>),
    /// These bytes, and then chunks without end.
    Endless,
}

/// A head that announces a body.
pub(crate) fn head(status: u16, length: u64) -> Vec<u8> {
    format!("HTTP/1.1 {status} Status\r\ncontent-length: {length}\r\n\r\n").into_bytes()
}

pub(crate) struct Server {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

type Handler = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;

impl Server {
    pub(crate) async fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (handler, seen): (Handler, _) = (Arc::new(handler), Arc::clone(&requests));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&handler), Arc::clone(&seen)));
            }
        });
        Self { url, requests, task }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves one connection until the client closes it.
pub(crate) async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    handler: Handler,
    seen: Arc<Mutex<Vec<Request>>>,
) {
    while let Some(request) = read(&mut stream).await {
        let reply = handler(&request);
        seen.lock().unwrap().push(request);
        match reply {
            Reply::Answer(status, body) => {
                let answer = [head(status, body.len() as u64), body].concat();
                if stream.write_all(&answer).await.is_err() {
                    return;
                }
            }
            Reply::Header(status, header) => {
                let answer =
                    format!("HTTP/1.1 {status} Status\r\n{header}\r\ncontent-length: 0\r\n\r\n");
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
            Reply::Break(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
            Reply::Stall(bytes) => {
                let _ = stream.write_all(&bytes).await;
                // Until the client gives up.
                let _ = stream.read(&mut [0]).await;
                return;
            }
            Reply::Endless => {
                let start = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
                let _ = stream.write_all(start).await;
                let chunk = [b"10000\r\n".as_slice(), &b" ".repeat(0x1_0000), b"\r\n"].concat();
                while stream.write_all(&chunk).await.is_ok() {}
                return;
            }
        }
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut first = head.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let mut request = Request { method, path, head, body: bytes[end..].to_vec() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    while request.body.len() < length {
        if stream.read_buf(&mut request.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(request)
}

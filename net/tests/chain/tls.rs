//! TLS, with certificates that are trusted and that are not.

use std::sync::{Arc, Mutex};

use ltms_core::{Network, Txid};
use ltms_net::chain::{Chronik, HttpOptions, SourceError};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, crypto::ring};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::server::{Reply, patient, serve};

/// A server that knows nothing, by TLS: its port and its certificate.
async fn start() -> (u16, Vec<u8>) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                // An error of Chronik: not found.
                let reply = Reply::Answer(404, b"\x12\x09not found".to_vec());
                let seen = Arc::new(Mutex::new(Vec::new()));
                tokio::spawn(serve(stream, Arc::new(move |_| reply.clone()), seen));
            }
        }
    });
    (port, cert.der().to_vec())
}

async fn ask(url: &str, authority: Vec<u8>) -> Result<Option<Vec<u8>>, SourceError> {
    let options = HttpOptions { authorities: vec![authority], ..patient() };
    let chronik = Chronik::new(url, Network::Reg, options).unwrap();
    chronik.raw_transaction(Txid::from_bytes([1; 32])).await
}

#[tokio::test]
async fn a_server_is_believed_only_with_a_trusted_certificate_for_its_name() {
    let (port, certificate) = start().await;
    let (_, other) = start().await;
    let url = format!("https://127.0.0.1:{port}");
    assert_eq!(ask(&url, certificate.clone()).await, Ok(None));
    for (url, authority) in [(url, other), (format!("https://localhost:{port}"), certificate)] {
        match ask(&url, authority).await {
            // Not asked again: the certificate stays the same.
            Err(SourceError::Refused(reason)) => assert!(reason.contains("certificate")),
            other => panic!("{other:?}"),
        }
    }
}

//! Connections, where a message came from, and whom a question is about.

use std::net::IpAddr;

use ltms_core::{
    Channel, Connection as CoreConnection, Direction, Source as CoreSource, Subject as CoreSubject,
};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::convert::{Group, Identity, Key, Peer};
use crate::errors::input;

/// A text, or an address of the ipaddress module.
pub(crate) struct Ip(pub(crate) IpAddr);

impl FromPyObject<'_, '_> for Ip {
    type Error = PyErr;
    fn extract(value: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let text = value.str()?.to_string();
        text.parse().map(Self).map_err(|_| input(format_args!("{text:?} is no IP address")))
    }
}

/// A connection to a peer.
///
/// peer: the bytes of its peer id. address: its IP as we observe it, or None where that is unknown.
/// outbound: whether we dialled it.
///
///     >>> import ltms
///     >>> ltms.Connection(bytes.fromhex("002408011220" + "01" * 32), "198.51.100.7").address
///     '198.51.100.7'
#[pyclass(frozen, eq, module = "ltms")]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Connection(pub(crate) CoreConnection);

#[pymethods]
impl Connection {
    #[new]
    #[pyo3(signature = (peer, address = None, outbound = false))]
    fn new(peer: Peer, address: Option<Ip>, outbound: bool) -> Self {
        let direction = if outbound { Direction::Outbound } else { Direction::Inbound };
        Self(CoreConnection { peer: peer.0, address: address.map(|ip| ip.0), direction })
    }

    /// The bytes of the peer id.
    #[getter]
    fn peer<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.peer.to_bytes())
    }

    /// The observed IP as text, or None.
    #[getter]
    fn address(&self) -> Option<String> {
        self.0.address.map(|ip| ip.to_string())
    }

    /// Whether we dialled it.
    #[getter]
    fn outbound(&self) -> bool {
        self.0.direction == Direction::Outbound
    }

    fn __repr__(&self) -> String {
        let (way, address) = (if self.outbound() { "to" } else { "from" }, self.address());
        format!("<Connection {way} {} at {}>", self.0.peer, address.as_deref().unwrap_or("?"))
    }
}

/// Where a message came from: Source.direct, Source.gossip, Source.directory, Source.dht or
/// Source.own.
#[pyclass(frozen, eq, module = "ltms")]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Source(pub(crate) CoreSource);

#[pymethods]
impl Source {
    /// A direct frame of a connected peer, whose id has these bytes.
    #[staticmethod]
    fn direct(peer: Peer) -> Self {
        Self(CoreSource::direct(peer.0))
    }

    /// A gossip message that publisher signed, None where nobody did, and the connected peer handed
    /// to us.
    #[staticmethod]
    #[pyo3(signature = (peer, publisher = None))]
    fn gossip(peer: Peer, publisher: Option<Peer>) -> Self {
        let publisher = publisher.map(|publisher| publisher.0);
        Self(CoreSource { publisher, channel: Channel::Gossip, ..CoreSource::direct(peer.0) })
    }

    /// An entry of a page that the connected peer sent us of its directory.
    #[staticmethod]
    fn directory(peer: Peer) -> Self {
        Self(CoreSource { channel: Channel::Directory, ..CoreSource::direct(peer.0) })
    }

    /// A record of the distributed hash table that the connected peer handed to us.
    #[staticmethod]
    fn dht(peer: Peer) -> Self {
        Self(CoreSource { channel: Channel::Dht, ..CoreSource::direct(peer.0) })
    }

    /// A message of our own, local being our peer id.
    #[staticmethod]
    fn own(local: Peer) -> Self {
        Self(CoreSource::own(local.0))
    }

    fn __repr__(&self) -> String {
        format!("<Source {:?} {}>", self.0.channel, self.0.peer)
    }
}

/// Whom a ban or a question is about: Subject.peer, Subject.key, Subject.identity or Subject.group.
#[pyclass(frozen, eq, module = "ltms")]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subject(pub(crate) CoreSubject);

#[pymethods]
impl Subject {
    /// A peer, by the bytes of its id.
    #[staticmethod]
    fn peer(peer: Peer) -> Self {
        Self(CoreSubject::Peer(peer.0))
    }

    /// An author key, 33 bytes.
    #[staticmethod]
    fn key(key: Key) -> Self {
        Self(CoreSubject::Key(key.0))
    }

    /// An identity, as 64 hexadecimal digits.
    #[staticmethod]
    fn identity(identity: Identity) -> Self {
        Self(CoreSubject::Identity(identity.0))
    }

    /// A narrow address group, by the tag that its ban has.
    #[staticmethod]
    fn group(tag: Group) -> Self {
        Self(CoreSubject::Group(tag.0))
    }

    /// "peer", "key", "identity" or "group".
    #[getter]
    pub(crate) fn kind(&self) -> &'static str {
        match self.0 {
            CoreSubject::Peer(_) => "peer",
            CoreSubject::Key(_) => "key",
            CoreSubject::Identity(_) => "identity",
            CoreSubject::Group(_) => "group",
        }
    }

    /// Its id: bytes of a peer or key, text of an identity, the number of a group.
    #[getter]
    fn id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(match self.0 {
            CoreSubject::Peer(peer) => PyBytes::new(py, &peer.to_bytes()).into_any(),
            CoreSubject::Key(key) => PyBytes::new(py, key.as_bytes()).into_any(),
            CoreSubject::Identity(id) => id.to_string().into_pyobject(py)?.into_any(),
            CoreSubject::Group(tag) => tag.into_pyobject(py)?.into_any(),
        })
    }

    fn __repr__(&self) -> String {
        let id = match self.0 {
            CoreSubject::Peer(peer) => peer.to_string(),
            CoreSubject::Key(key) => key.to_string(),
            CoreSubject::Identity(id) => id.to_string(),
            CoreSubject::Group(tag) => tag.to_string(),
        };
        format!("<Subject {} {id}>", self.kind())
    }
}

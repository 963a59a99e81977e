//! Signed messages: what they say, and how to make them.

use ltms_core::schnorr::SecretKey;
use ltms_core::wire::{self, Advertisement, AmountRange, Authority, BufferTooSmall, Credit};
use ltms_core::wire::{Delegation, Envelope, Hello, HelloDelegation, IncludedBurn, Kind};
use ltms_core::wire::{Registration, Rotation, WireError, Withdrawal};
use ltms_core::{Amount, List, Network, Signature, size};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::burn::Burn;
use crate::convert::{BurnTuple, Hash, Identity, Key, Peer, RangeTuple, Sats, Sequence, Sig, Time};
use crate::convert::{WireType, tuple};
use crate::errors::{self, input};
use crate::names::NetworkName;
use crate::plain::dict;
use crate::schnorr::secret_key;

const MAIN: NetworkName = NetworkName(Network::Main);

fn write(encode: impl FnOnce(&mut [u8]) -> Result<usize, BufferTooSmall>) -> PyResult<Vec<u8>> {
    let mut bytes = vec![0; size::ENVELOPE];
    let len = encode(&mut bytes).map_err(|_| input("longer than an envelope may be"))?;
    bytes.truncate(len);
    Ok(bytes)
}

/// The whole message around a body.
fn sealed<'py>(
    py: Python<'py>,
    kind: Kind,
    body: &[u8],
    signature: Signature,
) -> PyResult<Bound<'py, PyBytes>> {
    let envelope = write(|out| Envelope { kind, body, signature }.encode(out))?;
    Ok(PyBytes::new(py, &envelope))
}

/// (identity, sequence), or with a delegation (identity, sequence, not_after, signature).
pub(crate) struct AuthorityTuple(Authority);

impl FromPyObject<'_, '_> for AuthorityTuple {
    type Error = PyErr;
    fn extract(value: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let what =
            "an authority is (identity, sequence), or (identity, sequence, not_after, signature)";
        let items = tuple(&value, what, &[2, 4])?;
        let identity: Identity = items.get_item(0)?.extract()?;
        let sequence: Sequence = items.get_item(1)?.extract()?;
        let mut delegation = None;
        if items.len() == 4 {
            let not_after: Time = items.get_item(2)?.extract()?;
            let signature: Sig = items.get_item(3)?.extract()?;
            delegation = Some(Delegation { not_after: not_after.0, signature: signature.0 });
        }
        Ok(Self(Authority { identity: identity.0, sequence: sequence.0, delegation }))
    }
}

/// Makes and signs an advertisement: the bytes of its envelope.
///
/// private_key: 32 bytes of the author key. peer: the bytes of the peer id that is advertised.
/// created_at, expires_at: milliseconds since 1970. types: numbers of transaction types, ascending.
/// addresses: binary multiaddrs. amount: (least, most) and fee: satoshis. authority: None for a
/// stranger, else (identity, sequence of its last rotation), with (…, not_after, signature) of
/// sign_delegation for a key that is not its current one. network: "main", "test" or "reg".
/// Raises WireError for what others would refuse to read.
#[pyfunction]
#[pyo3(signature = (private_key, peer, created_at, expires_at, types, *, addresses = Vec::new(),
    amount = None, fee = None, nickname = None, description = None, authority = None,
    network = MAIN),
    text_signature = "(private_key, peer, created_at, expires_at, types, *, addresses=[], amount=None, fee=None, nickname=None, description=None, authority=None, network=\"main\")")]
#[expect(clippy::too_many_arguments, reason = "they have names in Python")]
pub(crate) fn sign_ad<'py>(
    py: Python<'py>,
    private_key: &[u8],
    peer: Peer,
    created_at: Time,
    expires_at: Time,
    types: Vec<WireType>,
    addresses: Vec<Vec<u8>>,
    amount: Option<RangeTuple>,
    fee: Option<Sats>,
    nickname: Option<String>,
    description: Option<String>,
    authority: Option<AuthorityTuple>,
    network: NetworkName,
) -> PyResult<Bound<'py, PyBytes>> {
    let key = secret_key(private_key)?;
    let sats = |sats: Sats| Amount::from_sats(sats.0);
    let many = |what: &str, most: usize| input(format_args!("at most {most} {what}"));
    let types = types.iter().map(|number| number.0).collect::<Vec<_>>();
    let addresses = addresses.iter().map(|address| &address[..]).collect::<Vec<_>>();
    let ad = Advertisement {
        author: key.public_key(),
        created_at: created_at.0,
        expires_at: expires_at.0,
        peer: peer.0,
        addresses: List::from_slice(&addresses).map_err(|_| many("addresses", size::ADDRESSES))?,
        types: List::from_slice(&types).map_err(|_| many("types", size::TYPES))?,
        amount: amount.map(|range| AmountRange { min: sats(range.least), max: sats(range.most) }),
        fee: fee.map(sats),
        nickname: nickname.as_deref(),
        description: description.as_deref(),
        authority: authority.map(|given| given.0),
    };
    ad.validate(network.0).map_err(|error| errors::wire(py, error))?;
    let body = write(|out| ad.encode(out))?;
    let signature = key.sign(&wire::ad_hash(network.0, &body));
    sealed(py, Kind::Advertisement, &body, signature)
}

/// Makes and signs the withdrawal of an advertisement, with arguments as sign_ad has them.
#[pyfunction]
#[pyo3(signature = (private_key, created_at, *, authority = None, network = MAIN),
    text_signature = "(private_key, created_at, *, authority=None, network=\"main\")")]
pub(crate) fn sign_withdrawal<'py>(
    py: Python<'py>,
    private_key: &[u8],
    created_at: Time,
    authority: Option<AuthorityTuple>,
    network: NetworkName,
) -> PyResult<Bound<'py, PyBytes>> {
    let key = secret_key(private_key)?;
    let author = key.public_key();
    let authority = authority.map(|given| given.0);
    let body = write(|out| Withdrawal { author, created_at: created_at.0, authority }.encode(out))?;
    let signature = key.sign(&wire::withdrawal_hash(network.0, &body));
    sealed(py, Kind::Withdrawal, &body, signature)
}

/// Signs that another key may speak for an identity until not_after (milliseconds since 1970): 64
/// bytes. private_key is the identity's current one, delegated the other public key, sequence the
/// number of the identity's last rotation, 0 before the first.
#[pyfunction]
#[pyo3(signature = (private_key, identity, delegated, sequence, not_after, *, network = MAIN),
    text_signature = "(private_key, identity, delegated, sequence, not_after, *, network=\"main\")")]
pub(crate) fn sign_delegation<'py>(
    py: Python<'py>,
    private_key: &[u8],
    identity: Identity,
    delegated: Key,
    sequence: Sequence,
    not_after: Time,
    network: NetworkName,
) -> PyResult<Bound<'py, PyBytes>> {
    let hash = wire::delegation_hash(network.0, &identity.0, &delegated.0, sequence.0, not_after.0);
    Ok(PyBytes::new(py, secret_key(private_key)?.sign(&hash).as_bytes()))
}

/// Makes and signs the claim of a registration: the bytes of its envelope.
///
/// private_key: of the key in the burn's script. burn: (raw transaction, output index, block hash,
/// position in the block, branch of 32-byte hashes to the block's root, the leaf's sibling first).
/// merkle_branch gives the branch. Raises TransactionError and ScriptError for a burn that is none.
#[pyfunction]
#[pyo3(signature = (private_key, burn, *, network = MAIN),
    text_signature = "(private_key, burn, *, network=\"main\")")]
pub(crate) fn sign_registration<'py>(
    py: Python<'py>,
    private_key: &[u8],
    burn: BurnTuple,
    network: NetworkName,
) -> PyResult<Bound<'py, PyBytes>> {
    let (key, burn) = (secret_key(private_key)?, Burn::read(py, &burn)?);
    let body = write(|out| Registration { burn: burn.included() }.encode(out))?;
    let hash = wire::register_hash(network.0, &burn.outpoint, &burn.script.public_key);
    sealed(py, Kind::Registration, &body, key.sign(&hash))
}

/// Makes and signs the claim of a rotation: both keys sign. sequence is its number, from 1;
/// identity whose key is replaced; the new key is the one in the burn's script. See
/// sign_registration for burn.
#[pyfunction]
#[pyo3(signature = (old_private_key, new_private_key, burn, identity, sequence, created_at, *,
    network = MAIN),
    text_signature = "(old_private_key, new_private_key, burn, identity, sequence, created_at, *, network=\"main\")")]
#[expect(clippy::too_many_arguments, reason = "they have names in Python")]
pub(crate) fn sign_rotation<'py>(
    py: Python<'py>,
    old_private_key: &[u8],
    new_private_key: &[u8],
    burn: BurnTuple,
    identity: Identity,
    sequence: Sequence,
    created_at: Time,
    network: NetworkName,
) -> PyResult<Bound<'py, PyBytes>> {
    let (old, new) = (secret_key(old_private_key)?, secret_key(new_private_key)?);
    let burn = Burn::read(py, &burn)?;
    let (identity, sequence, created_at) = (identity.0, sequence.0, created_at.0);
    let public = |key: &SecretKey| key.public_key();
    let hash = wire::rotation_hash(
        network.0,
        &identity,
        sequence,
        &public(&old),
        &public(&new),
        &burn.outpoint,
        created_at,
    );
    let new_key_signature = new.sign(&hash);
    let rotation =
        Rotation { burn: burn.included(), identity, sequence, created_at, new_key_signature };
    let body = write(|out| rotation.encode(out))?;
    sealed(py, Kind::Rotation, &body, old.sign(&hash))
}

/// Makes and signs the claim of any other burn of an identity: its script says what for.
/// private_key is the identity's current one, sequence that of its last rotation. See
/// sign_registration for burn.
#[pyfunction]
#[pyo3(signature = (private_key, burn, identity, sequence, *, network = MAIN),
    text_signature = "(private_key, burn, identity, sequence, *, network=\"main\")")]
pub(crate) fn sign_credit<'py>(
    py: Python<'py>,
    private_key: &[u8],
    burn: BurnTuple,
    identity: Identity,
    sequence: Sequence,
    network: NetworkName,
) -> PyResult<Bound<'py, PyBytes>> {
    let (key, burn) = (secret_key(private_key)?, Burn::read(py, &burn)?);
    let (purpose, _) = burn.script.purpose.ok_or_else(|| input("the burn is of a registration"))?;
    let (identity, sequence, script_key) = (identity.0, sequence.0, burn.script.public_key);
    let hash =
        wire::credit_hash(network.0, &identity, purpose, &burn.outpoint, &script_key, sequence);
    let body = write(|out| Credit { burn: burn.included(), identity, sequence }.encode(out))?;
    sealed(py, Kind::Credit, &body, key.sign(&hash))
}

/// Makes and signs the answer to a challenge of 32 bytes: that the connection of the peer prover
/// belongs to an identity. authority is as in sign_ad, verifier the peer that asked.
#[pyfunction]
#[pyo3(signature = (private_key, prover, verifier, challenge, authority, *, network = MAIN),
    text_signature = "(private_key, prover, verifier, challenge, authority, *, network=\"main\")")]
pub(crate) fn sign_hello<'py>(
    py: Python<'py>,
    private_key: &[u8],
    prover: Peer,
    verifier: Peer,
    challenge: Hash,
    authority: AuthorityTuple,
    network: NetworkName,
) -> PyResult<Bound<'py, PyBytes>> {
    let key = secret_key(private_key)?;
    let Authority { identity, sequence, delegation } = authority.0;
    let delegation = delegation.map(|delegation| HelloDelegation { delegation, sequence });
    let hello = Hello { identity, key: key.public_key(), delegation, challenge: challenge.0 };
    let body = write(|out| hello.encode(out))?;
    let hash = wire::hello_hash(network.0, &prover.0, &verifier.0, &identity, &challenge.0);
    sealed(py, Kind::Hello, &body, key.sign(&hash))
}

fn delegation<'py>(py: Python<'py>, it: &Delegation) -> PyResult<Bound<'py, PyDict>> {
    Ok(dict!(py;
        not_after: it.not_after.as_millis(),
        signature: PyBytes::new(py, it.signature.as_bytes())))
}

fn authority<'py>(py: Python<'py>, to: &Bound<'py, PyDict>, of: Option<Authority>) -> PyResult<()> {
    let given = of.as_ref().and_then(|it| it.delegation.as_ref());
    to.set_item("identity", of.as_ref().map(|it| it.identity.to_string()))?;
    to.set_item("sequence", of.as_ref().map(|it| it.sequence))?;
    to.set_item("delegation", given.map(|it| delegation(py, it)).transpose()?)
}

fn burned<'py>(py: Python<'py>, burn: &IncludedBurn<'_>) -> PyResult<Bound<'py, PyDict>> {
    let branch = PyList::empty(py);
    burn.branch.iter().try_for_each(|hash| branch.append(PyBytes::new(py, hash)))?;
    Ok(dict!(py;
        transaction: PyBytes::new(py, burn.transaction), vout: burn.vout,
        block: burn.block.to_string(), position: burn.position, branch: branch))
}

/// What a signed message says, whose signature is not checked: a dict of kind ("advertisement",
/// "withdrawal", "registration", "hello", "rotation" or "credit"), signature, body (the bytes that
/// it covers), and the kind's own fields, None for those that are not there. Amounts are satoshis,
/// times milliseconds since 1970.
///
/// Raises WireError, whose reason says how the Gate would refuse it.
///
///     >>> import ltms
///     >>> now, peer = 1_795_400_000_000, bytes.fromhex("002408011220" + "01" * 32)
///     >>> ad = ltms.sign_ad(bytes([1] * 32), peer, now, now + 60_000, types=[1, 5], fee=1_000)
///     >>> told = ltms.parse_envelope(ad)
///     >>> told["kind"], told["types"], told["fee"], told["identity"]
///     ('advertisement', [1, 5], 1000, None)
///     >>> try:
///     ...     ltms.parse_envelope(ad[:-1])
///     ... except ltms.WireError as error:
///     ...     print(error.reason)
///     malformed
#[pyfunction]
#[pyo3(signature = (envelope, network = MAIN),
    text_signature = "(envelope, network=\"main\")")]
pub(crate) fn parse_envelope<'py>(
    py: Python<'py>,
    envelope: &[u8],
    network: NetworkName,
) -> PyResult<Bound<'py, PyDict>> {
    let refuse = |error: WireError| errors::wire(py, error);
    let Envelope { kind, body, signature } = Envelope::decode(envelope).map_err(refuse)?;
    let bytes = |bytes: &[u8]| PyBytes::new(py, bytes);
    let (name, fields) = match kind {
        Kind::Advertisement => {
            let ad = Advertisement::decode(body, network.0).map_err(refuse)?;
            let addresses: Vec<_> = ad.addresses.iter().map(|address| bytes(address)).collect();
            let fields = dict!(py;
                author: bytes(ad.author.as_bytes()), created_at: ad.created_at.as_millis(),
                expires_at: ad.expires_at.as_millis(), peer: bytes(&ad.peer.to_bytes()),
                addresses: addresses, types: ad.types.to_vec(),
                amount: ad.amount.map(|range| (range.min.sats(), range.max.sats())),
                fee: ad.fee.map(Amount::sats), nickname: ad.nickname, description: ad.description);
            authority(py, &fields, ad.authority)?;
            ("advertisement", fields)
        }
        Kind::Withdrawal => {
            let it = Withdrawal::decode(body).map_err(refuse)?;
            let fields = dict!(py;
                author: bytes(it.author.as_bytes()), created_at: it.created_at.as_millis());
            authority(py, &fields, it.authority)?;
            ("withdrawal", fields)
        }
        Kind::Registration => {
            let it = Registration::decode(body).map_err(refuse)?;
            ("registration", burned(py, &it.burn)?)
        }
        Kind::Rotation => {
            let it = Rotation::decode(body).map_err(refuse)?;
            let fields = burned(py, &it.burn)?;
            fields.set_item("identity", it.identity.to_string())?;
            fields.set_item("sequence", it.sequence)?;
            fields.set_item("created_at", it.created_at.as_millis())?;
            fields.set_item("new_key_signature", bytes(it.new_key_signature.as_bytes()))?;
            ("rotation", fields)
        }
        Kind::Credit => {
            let it = Credit::decode(body).map_err(refuse)?;
            let fields = burned(py, &it.burn)?;
            fields.set_item("identity", it.identity.to_string())?;
            fields.set_item("sequence", it.sequence)?;
            ("credit", fields)
        }
        Kind::Hello => {
            let it = Hello::decode(body).map_err(refuse)?;
            let given = it.delegation.as_ref();
            let fields = dict!(py;
                identity: it.identity.to_string(), key: bytes(it.key.as_bytes()),
                challenge: bytes(&it.challenge), sequence: given.map(|it| it.sequence),
                delegation: given.map(|it| delegation(py, &it.delegation)).transpose()?);
            ("hello", fields)
        }
        _ => return Err(refuse(WireError::UnknownKind)),
    };
    let whole = dict!(py; kind: name, signature: bytes(signature.as_bytes()), body: bytes(body));
    whole.update(fields.as_mapping())?;
    Ok(whole)
}

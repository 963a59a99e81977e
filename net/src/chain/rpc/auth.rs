//! Who we are to a lotusd.

use std::{fmt, fs, io, path::PathBuf, sync::Mutex, sync::PoisonError};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use hyper::header::HeaderValue;
use zeroize::Zeroizing;

use super::super::SourceError;
use super::super::http::EndpointError;

/// A cookie is 75 bytes: `__cookie__:` and 64 hex digits.
const MAX_COOKIE: u64 = 4_096;

/// How to log in to a lotusd. Neither shown nor logged, and wiped from memory when dropped, but
/// for what the HTTP library copies while it sends.
#[derive(Clone)]
pub struct Credentials(Kind);

#[derive(Clone)]
enum Kind {
    Cookie(PathBuf),
    Password(HeaderValue),
}

impl Credentials {
    /// The file `.cookie` in lotusd's data directory, which lotusd writes anew at every start.
    #[must_use]
    pub fn cookie_file(path: impl Into<PathBuf>) -> Self {
        Self(Kind::Cookie(path.into()))
    }

    /// What `rpcuser` and `rpcpassword`, or `rpcauth`, were set to.
    ///
    /// # Errors
    /// [`EndpointError::Credentials`] for a colon in the name or a control character.
    pub fn password(user: &str, password: &Zeroizing<String>) -> Result<Self, EndpointError> {
        let pair = Zeroizing::new(format!("{user}:{}", password.as_str()));
        if user.contains(':') || pair.chars().any(char::is_control) {
            return Err(EndpointError::Credentials);
        }
        basic(&pair).map(|value| Self(Kind::Password(value)))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Cookie(path) => f.debug_tuple("CookieFile").field(path).finish(),
            Kind::Password(_) => f.write_str("Password"),
        }
    }
}

/// A header whose memory is wiped with its last copy.
fn basic(pair: &str) -> Result<HeaderValue, EndpointError> {
    let mut value = Zeroizing::new(String::with_capacity(pair.len() * 2 + 16));
    value.push_str("Basic ");
    STANDARD.encode_string(pair, &mut value);
    let bytes = Bytes::from_owner(Zeroizing::new(value.as_bytes().to_vec()));
    let mut value =
        HeaderValue::from_maybe_shared(bytes).map_err(|_| EndpointError::Credentials)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Credentials and the last cookie read.
#[derive(Debug)]
pub(super) struct Login {
    credentials: Credentials,
    cookie: Mutex<Option<HeaderValue>>,
}

impl Login {
    pub(super) fn new(credentials: Credentials) -> Self {
        Self { credentials, cookie: Mutex::new(None) }
    }

    /// What to send.
    pub(super) fn header(&self) -> Result<HeaderValue, SourceError> {
        let path = match &self.credentials.0 {
            Kind::Password(value) => return Ok(value.clone()),
            Kind::Cookie(path) => path,
        };
        let mut cookie = self.cookie.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = &*cookie {
            return Ok(value.clone());
        }
        let unreadable = |error: io::Error| {
            SourceError::Unavailable(format!("the cookie file {}: {error}", path.display()))
        };
        let found = fs::metadata(path).map_err(unreadable)?;
        if !found.is_file() || found.len() > MAX_COOKIE {
            return Err(SourceError::Refused(format!("{} is no cookie file", path.display())));
        }
        let pair = Zeroizing::new(fs::read_to_string(path).map_err(unreadable)?);
        let value =
            basic(pair.trim_end()).map_err(|error| SourceError::Refused(error.to_string()))?;
        Ok(cookie.insert(value).clone())
    }

    /// What to send instead of `refused`, if a newer cookie says something else.
    pub(super) fn renewed(
        &self,
        refused: &HeaderValue,
    ) -> Result<Option<HeaderValue>, SourceError> {
        {
            let mut cookie = self.cookie.lock().unwrap_or_else(PoisonError::into_inner);
            if cookie.as_ref() == Some(refused) {
                *cookie = None;
            }
        }
        Ok(Some(self.header()?).filter(|value| value != refused))
    }
}

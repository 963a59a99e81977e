//! The output script of a burn.

use ltms_core::burn::{BurnScript, Purpose};

use crate::guard::run;
use crate::raw;
use crate::status::{Status, ltms_status};
use crate::types::{flag, ltms_identity, ltms_public_key};

/// The longest script of a burn, in bytes.
pub const LTMS_SCRIPT_MAX: usize = 223;

/// A registration, which has no purpose and no identity yet.
pub const LTMS_PURPOSE_NONE: u8 = 0;
/// The script's key becomes the identity's current key.
pub const LTMS_PURPOSE_ROTATION: u8 = 1;
/// One more key slot; the script's key is the added key.
pub const LTMS_PURPOSE_ADDITIONAL_KEY: u8 = 2;
/// One signing request, where requests are charged for.
pub const LTMS_PURPOSE_SIGNING_REQUEST: u8 = 3;
/// Seven more days of lifetime, where lifetime is charged for.
pub const LTMS_PURPOSE_WEEKLY_EXTENSION: u8 = 4;
/// One more transaction type above four, where types are charged for.
pub const LTMS_PURPOSE_DIRECTORY_ENTRY: u8 = 5;
/// Adds to the tier's total.
pub const LTMS_PURPOSE_TOP_UP: u8 = 6;

/// What a burn's script says.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_burn_script {
    /// When the burner says it was made, in milliseconds since the Unix epoch; nothing depends on
    /// it. 0 if `has_timestamp` is.
    pub timestamp_ms: u64,
    /// A key on the curve; which one depends on the purpose.
    pub public_key: ltms_public_key,
    /// Whose burn it is; zeros for LTMS_PURPOSE_NONE.
    pub identity: ltms_identity,
    /// 1 if there is a timestamp, else 0.
    pub has_timestamp: u8,
    /// One of the LTMS_PURPOSE numbers.
    pub purpose: u8,
    /// Zeros.
    pub reserved: [u8; 5],
}

impl From<BurnScript> for ltms_burn_script {
    fn from(burn: BurnScript) -> Self {
        let (purpose, identity) = match burn.purpose {
            Some((purpose, identity)) => (purpose.code(), identity.into()),
            None => (LTMS_PURPOSE_NONE, ltms_identity { bytes: [0; 32] }),
        };
        Self {
            timestamp_ms: burn.timestamp_ms.unwrap_or(0),
            public_key: burn.public_key.into(),
            identity,
            has_timestamp: burn.timestamp_ms.is_some().into(),
            purpose,
            reserved: [0; 5],
        }
    }
}

impl TryFrom<&ltms_burn_script> for BurnScript {
    type Error = Status;
    fn try_from(burn: &ltms_burn_script) -> Result<Self, Status> {
        let purpose = match burn.purpose {
            LTMS_PURPOSE_NONE => None,
            code => Some((
                Purpose::from_code(code).ok_or(Status::ScriptUnknownPurpose)?,
                (&burn.identity).into(),
            )),
        };
        Ok(Self {
            public_key: (&burn.public_key).into(),
            timestamp_ms: flag(burn.has_timestamp)?.then_some(burn.timestamp_ms),
            purpose,
        })
    }
}

/// Reads the output script of a burn. Only the one form that ltms_burn_script_build writes is one.
///
/// Errors: LTMS_SCRIPT_….
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_burn_script_parse(
    burn: *mut ltms_burn_script,
    script: *const u8,
    script_len: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let burn = raw::out(burn)?;
        let parsed = BurnScript::parse(raw::items(script, script_len)?);
        burn.write(parsed.map_err(|error| Status::from(error.kind()))?.into());
        Ok(())
    })
}

/// Writes the output script of a burn to the start of `script`, which has room for `capacity`
/// bytes (LTMS_SCRIPT_MAX always do), and its length to `*script_len`.
///
/// Errors: LTMS_SCRIPT_KEY_… for a key that is none, LTMS_SCRIPT_UNKNOWN_PURPOSE, LTMS_VALUE for a
/// flag that is neither 0 nor 1, LTMS_BUFFER_TOO_SMALL.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_burn_script_build(
    script: *mut u8,
    capacity: usize,
    script_len: *mut usize,
    burn: *const ltms_burn_script,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (room, len) = (raw::room(script, capacity)?, raw::out(script_len)?);
        let built = BurnScript::try_from(raw::get(burn)?)?.build();
        // Whoever burns money for a key that nobody has would be told too late.
        BurnScript::parse(&built).map_err(|error| Status::from(error.kind()))?;
        let room = room.get_mut(..built.len()).ok_or(Status::BufferTooSmall)?;
        room.iter_mut().zip(&built).for_each(|(to, byte)| {
            to.write(*byte);
        });
        len.write(built.len());
        Ok(())
    })
}

const _: () = {
    assert!(LTMS_SCRIPT_MAX == BurnScript::MAX_LEN);
    assert!(size_of::<ltms_burn_script>() == 80);
    assert!(core::mem::offset_of!(ltms_burn_script, identity) == 41);
};

//! Values of the core in memory that C has by value, as arrays of words.

use core::mem::MaybeUninit;

use ltms_core::Screening;

use crate::guard::Result;
use crate::raw;
use crate::status::Status;
use crate::types::ltms_decision;

/// A C struct that holds a value of the core.
///
/// # Safety
/// `Self` is `repr(C)`, holds nothing but `u64`s, and is as large as a [`Held`].
pub(crate) unsafe trait Holder: Sized {
    /// What it holds.
    type Value;
    /// Says that it does. Another one for every type.
    const TAG: u64;

    /// To be asked for in every use: that the value fits.
    const FITS: () = assert!(
        size_of::<Held<Self::Value>>() <= size_of::<Self>() && align_of::<Held<Self::Value>>() <= 8,
        "the holder has too few words",
    );
}

/// How a value lies there.
#[repr(C)]
pub(crate) struct Held<V> {
    tag: u64,
    /// The address of the Gate that it belongs to, or 0.
    owner: usize,
    value: V,
}

/// Puts a value there, whatever there was.
pub(crate) fn put<H: Holder>(to: &mut MaybeUninit<H>, owner: usize, value: H::Value) {
    const { H::FITS };
    let held = to.as_mut_ptr().cast::<Held<H::Value>>();
    // SAFETY: it fits and is aligned, as `FITS` says; nothing is dropped that C may have copied.
    unsafe { held.write(Held { tag: H::TAG, owner, value }) };
}

/// Says that there is nothing.
pub(crate) fn clear<H: Holder>(to: &mut MaybeUninit<H>) {
    // SAFETY: a holder is all words.
    unsafe { to.as_mut_ptr().cast::<u64>().write(0) };
}

/// The value that is there.
///
/// # Safety
/// As for [`raw::get`]. That C wrote nothing else there can be checked only by the tag.
pub(crate) unsafe fn get<'a, H: Holder>(at: *const H) -> Result<&'a H::Value> {
    // SAFETY: the same promise; the value is only looked at once the tag says that it is there.
    Ok(unsafe { &(*find(at)?).value })
}

/// The same, to change it.
///
/// # Safety
/// As for [`get`], and nobody else may use it meanwhile.
pub(crate) unsafe fn get_mut<'a, H: Holder>(at: *mut H) -> Result<&'a mut H::Value> {
    // SAFETY: the same promise.
    Ok(unsafe { &mut (*find(at)?.cast_mut()).value })
}

/// Takes the value, so that nobody takes it again.
///
/// # Safety
/// As for [`get_mut`].
pub(crate) unsafe fn take<H: Holder>(at: *mut H, owner: usize) -> Result<H::Value> {
    // SAFETY: the same promise.
    unsafe {
        let held = find(at)?.cast_mut();
        if (*held).owner != owner {
            return Err(Status::OtherGate);
        }
        let value = (&raw const (*held).value).read();
        (*held).tag = 0;
        Ok(value)
    }
}

unsafe fn find<H: Holder>(at: *const H) -> Result<*const Held<H::Value>> {
    const { H::FITS };
    // SAFETY: the caller's promise; a holder is all words, of which any value may be read.
    let tag = unsafe { *raw::get(at.cast::<u64>())? };
    if tag == H::TAG { Ok(at.cast()) } else { Err(Status::Empty) }
}

/// What a check that gives a ticket tells C: the ticket and no decision yet, or a decision.
pub(crate) fn screened<H: Holder>(
    to: &mut MaybeUninit<H>,
    owner: usize,
    screened: Screening<H::Value>,
) -> ltms_decision {
    match screened {
        Screening::Proceed(ticket) => {
            put(to, owner, ticket);
            ltms_decision::NONE
        }
        Screening::Done(decision) => {
            clear(to);
            decision.into()
        }
    }
}

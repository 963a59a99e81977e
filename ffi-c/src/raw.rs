//! From C's pointers to Rust's references: the only place that believes what a caller says of its
//! memory. All of it can be checked but that the memory is there, is as long as was said, and is
//! used by nobody else meanwhile; that is the contract at the top of the header.

use core::mem::MaybeUninit;
use core::slice;

use crate::guard::Result;
use crate::status::Status;

fn check<T>(pointer: *const T) -> Result {
    if pointer.is_null() {
        Err(Status::Null)
    } else if !pointer.is_aligned() {
        Err(Status::Alignment)
    } else {
        Ok(())
    }
}

/// A value to read. Only for types of which every bit pattern is a value.
///
/// # Safety
/// If not NULL, there has to be a `T` at `pointer` for as long as the result is used.
pub(crate) unsafe fn get<'a, T>(pointer: *const T) -> Result<&'a T> {
    check(pointer)?;
    // SAFETY: checked as far as can be, the rest is the caller's promise.
    Ok(unsafe { &*pointer })
}

/// A place to write a value to, once all has gone well: what is there before never matters.
///
/// # Safety
/// As for [`get`], and nobody else may use the memory meanwhile.
pub(crate) unsafe fn out<'a, T>(pointer: *mut T) -> Result<&'a mut MaybeUninit<T>> {
    check(pointer)?;
    // SAFETY: checked as far as can be, the rest is the caller's promise.
    Ok(unsafe { &mut *pointer.cast() })
}

/// `count` values to read; NULL will do for none.
///
/// # Safety
/// As for [`get`], for all of them.
pub(crate) unsafe fn items<'a, T>(pointer: *const T, count: usize) -> Result<&'a [T]> {
    check_len::<T>(count)?;
    if count == 0 {
        return Ok(&[]);
    }
    check(pointer)?;
    // SAFETY: not NULL, aligned and of a length that can be; the rest is the caller's promise.
    Ok(unsafe { slice::from_raw_parts(pointer, count) })
}

/// Room for `count` values; NULL will do for none.
///
/// # Safety
/// As for [`out`], for all of them.
pub(crate) unsafe fn room<'a, T>(
    pointer: *mut T,
    count: usize,
) -> Result<&'a mut [MaybeUninit<T>]> {
    check_len::<T>(count)?;
    if count == 0 {
        return Ok(&mut []);
    }
    check(pointer)?;
    // SAFETY: not NULL, aligned and of a length that can be; the rest is the caller's promise.
    Ok(unsafe { slice::from_raw_parts_mut(pointer.cast(), count) })
}

/// Room for bytes. They are zeroed, so that the core can be given them.
///
/// # Safety
/// As for [`out`], for all of them.
pub(crate) unsafe fn buffer<'a>(pointer: *mut u8, len: usize) -> Result<&'a mut [u8]> {
    // SAFETY: the same promise.
    let room = unsafe { room(pointer, len) }?;
    room.fill(MaybeUninit::new(0));
    // SAFETY: all of it was just written.
    Ok(unsafe { &mut *(room as *mut [MaybeUninit<u8>] as *mut [u8]) })
}

/// An array of a fixed length to read, which C has as a pointer to its first byte.
///
/// # Safety
/// As for [`get`].
pub(crate) unsafe fn array<'a, const N: usize>(pointer: *const u8) -> Result<&'a [u8; N]> {
    // SAFETY: the same promise.
    unsafe { get(pointer.cast()) }
}

/// Text; it has to be UTF-8, and ends after `len` bytes, not at a zero.
///
/// # Safety
/// As for [`items`].
pub(crate) unsafe fn text<'a>(pointer: *const core::ffi::c_char, len: usize) -> Result<&'a str> {
    // SAFETY: the same promise.
    let bytes = unsafe { items(pointer.cast::<u8>(), len) }?;
    str::from_utf8(bytes).map_err(|_| Status::Text)
}

/// No object is longer than half of the address space.
fn check_len<T>(count: usize) -> Result {
    let len = count.checked_mul(size_of::<T>()).ok_or(Status::Length)?;
    isize::try_from(len).map(drop).map_err(|_| Status::Length)
}

/// A struct that begins with its own size and may have more fields in later versions.
///
/// # Safety
/// The struct is `repr(C)`, its first field is `struct_size: u32`, all of its fields are integers,
/// arrays of such, or pointers, and it has no padding that matters.
pub(crate) unsafe trait Growing: Copy {
    /// Its size in the first version that had it.
    const FIRST: usize;
    /// All zeros, but for the size.
    const EMPTY: Self;
}

/// No version of a struct is longer: whoever forgot to set its size seldom gets past this.
const LONGEST: usize = 4096;

/// The size that a struct begins with, if a struct of this kind can have it.
///
/// # Safety
/// As for [`get`], for the first field.
unsafe fn struct_size<T: Growing>(pointer: *const T) -> Result<usize> {
    check(pointer)?;
    // SAFETY: the same promise.
    let len = unsafe { pointer.cast::<u32>().read() } as usize;
    if (T::FIRST..=LONGEST).contains(&len) { Ok(len) } else { Err(Status::StructSize) }
}

/// Reads a struct that may be of an earlier or later version than this library. Fields that the
/// caller does not know are zero, and so has to be what this library does not know.
///
/// # Safety
/// If not NULL, there have to be as many bytes at `pointer` as its first field says.
pub(crate) unsafe fn get_sized<T: Growing>(pointer: *const T) -> Result<T> {
    // SAFETY: it begins with its size, as `T` does.
    let len = unsafe { struct_size(pointer) }?;
    // SAFETY: the caller says that so many bytes are there.
    let bytes = unsafe { items(pointer.cast::<u8>(), len) }?;
    let (known, unknown) = bytes.split_at(len.min(size_of::<T>()));
    if unknown.iter().any(|byte| *byte != 0) {
        return Err(Status::StructSize);
    }
    let mut value = T::EMPTY;
    // SAFETY: `known` is no longer than `value`, and every bit pattern of it is a value.
    unsafe { (&raw mut value).cast::<u8>().copy_from(known.as_ptr(), known.len()) };
    Ok(value)
}

/// A place for a struct that may be of an earlier or later version than this library.
pub(crate) struct OutSized<T> {
    at: *mut T,
    len: usize,
}

/// Looks at a struct that is to be written: its size has to be set.
///
/// # Safety
/// If not NULL, there has to be memory at `pointer` as long as its first field says, until the
/// result was used.
pub(crate) unsafe fn out_sized<T: Growing>(pointer: *mut T) -> Result<OutSized<T>> {
    // SAFETY: it begins with its size, as `T` does.
    Ok(OutSized { at: pointer, len: unsafe { struct_size(pointer) }? })
}

impl<T: Growing> OutSized<T> {
    /// Writes all but the size; what this library does not know becomes zero.
    pub(crate) fn write(self, value: &T) {
        const SIZE: usize = size_of::<u32>();
        let known = self.len.min(size_of::<T>());
        let (to, from) = (self.at.cast::<u8>(), (&raw const *value).cast::<u8>());
        // SAFETY: `out_sized` was promised `len` bytes, of which `known` are no more than `T` has,
        // and both are at least `SIZE`.
        unsafe {
            to.add(SIZE).copy_from(from.add(SIZE), known - SIZE);
            to.add(known).write_bytes(0, self.len - known);
        }
    }
}

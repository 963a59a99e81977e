//! What stands between a function's body and C.

use crate::status::{Status, ltms_status};

/// What the body of a function gives.
pub(crate) type Result<T = ()> = core::result::Result<T, Status>;

/// Runs the body of a function. A panic ends here, as a status: unwinding into C is undefined.
pub(crate) fn run(body: impl FnOnce() -> Result) -> ltms_status {
    #[cfg(feature = "std")]
    let done =
        std::panic::catch_unwind(core::panic::AssertUnwindSafe(body)).unwrap_or_else(|what| {
            // To drop it could panic again.
            core::mem::forget(what);
            Err(Status::Panic)
        });
    #[cfg(not(feature = "std"))]
    let done = body();
    done.err().unwrap_or(Status::Ok).code()
}

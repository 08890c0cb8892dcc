//! The threads that serve: how many, and where that comes from.

use std::num::NonZero;
use std::thread::available_parallelism;
use tokio::runtime::{Builder, Runtime};

/// The variable by which tokio's own programs are told how many threads serve.
const VARIABLE: &str = "TOKIO_WORKER_THREADS";

/// What runs the doors and the page.
///
/// On half of the processors, rounded up: who sends mail to a server on a developer's machine runs there too, and the index wants one.
/// More threads would mostly wake each other, which costs a message up to a quarter more of the processor. Whoever sets
/// tokio's own variable is obeyed.
///
/// # Errors
/// Where the system gives no threads.
pub(super) fn runtime() -> std::io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    if std::env::var_os(VARIABLE).is_none() {
        let processors = available_parallelism().map_or(1, NonZero::get);
        builder.worker_threads(processors.div_ceil(2));
    }
    builder.enable_all().build()
}

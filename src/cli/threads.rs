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
    let processors = available_parallelism().map_or(1, NonZero::get);
    let asked = std::env::var(VARIABLE).ok().and_then(|text| text.parse().ok());
    let threads: NonZero<usize> = asked.unwrap_or_else(|| {
        // Half of one or more, rounded up, is never none.
        NonZero::new(processors.div_ceil(2)).unwrap_or(NonZero::<usize>::MIN)
    });
    // One thread need not look for others' work, nor lock what no other touches.
    let mut builder = match threads.get() {
        1 => Builder::new_current_thread(),
        more => {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(more);
            builder
        }
    };
    reuse_memory();
    builder.enable_all().build()
}

/// Lets large messages have the memory of those that went. The C library gives each large block back to the system when it is freed, and
/// asks for it anew, which costs more than reading a message into it; but blocks as large as one that it has seen come
/// and go it keeps in its own hands.
fn reuse_memory() {
    /// It learns so up to 32 MiB, with what it writes in front of a block.
    const LARGEST: usize = 31 << 20;
    // Nobody writes to it, so it is no memory.
    drop(std::hint::black_box(Vec::<u8>::with_capacity(LARGEST)));
}

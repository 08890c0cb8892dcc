//! Who goes first where processors are scarce: the doors, then the index.
//!
//! A client waits for its 250, and nobody may wait for the index. Only Linux has priorities for a single thread; elsewhere
//! all threads are alike, and nothing is done.

use std::time::Duration;

/// Lets all other threads of the program go first, from now on and for good.
#[cfg(target_os = "linux")]
pub(super) fn yield_to_the_doors() {
    /// A fifth of a door's share where both want to run.
    const NICENESS: i32 = 7;
    // Of a process that was started with more niceness nothing is asked. Where it is refused, the index is only less polite.
    let now = rustix::process::getpriority_process(None).unwrap_or(0);
    let _ = rustix::process::setpriority_process(None, now.max(NICENESS));
}

/// Does nothing.
#[cfg(not(target_os = "linux"))]
pub(super) fn yield_to_the_doors() {}

/// For how long this thread has had a processor, where the system tells: Linux does, wherever `/proc` is there.
pub(super) fn time_worked() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    told.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// Gives the processor away if somebody wants it. A thread that begins to run, however low its priority, is left to run for
/// milliseconds; a client would wait for its 250 as long. For searches: the index, which has little as it is, would get
/// next to nothing where the processors are fully used, and whoever asks waits for it.
pub(super) fn let_others_go_first() {
    std::thread::yield_now();
}

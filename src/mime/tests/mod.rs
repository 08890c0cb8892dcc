//! Whole messages read: what they hold, how they are bounded, and that nothing breaks reading.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

mod bounds;
mod fields;
mod links;
mod messages;

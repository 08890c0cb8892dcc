//! demo
use super::{Failure, ServeArgs};
pub(super) fn run(_: &ServeArgs) -> Result<(), Failure> {
    Ok(())
}

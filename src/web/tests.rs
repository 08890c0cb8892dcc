//! Tests of what cannot be seen through a door.

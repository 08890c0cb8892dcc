//! Any octets from a client, at any door, with a store that keeps and refuses. The octets are sent a line at a time,
//! an octet at a time, and all at once.
//!
//! The first octet names the door, the second which messages the store refuses; the rest is what the client sends.

use super::shell::{DOORS, Outcome, Shell};

/// Stops at the first promise that this input breaks.
pub fn check(input: &[u8]) {
    let [door, refuses, bytes @ ..] = input else { return };
    let play = |cut: fn(&[u8]) -> usize| -> Outcome {
        let mut shell = Shell::at(DOORS[usize::from(door % 4)], *refuses);
        shell.say(bytes, cut);
        shell.fall_silent()
    };
    let by_lines =
        play(|rest| rest.iter().position(|octet| *octet == b'\n').map_or(rest.len(), |at| at + 1));
    let by_octets = play(|_| 1);
    assert_eq!(by_lines, by_octets, "what the network does to the octets is seen in the replies");
    // Whoever sends all at once may not have waited where one must, and is told so.
    let at_once = play(<[u8]>::len);
    if !at_once.out_of_turn {
        assert_eq!(by_lines, at_once, "a pipeline is answered otherwise than single commands");
    }
}

//! Faults among the settings: `NAME[=VALUE][@DOOR]`.
//!
//! Refuses a name that is none, a value that the fault does not take, and a door that there is not.

use super::Config;
use super::error::Problem;
use super::kind::{Scalar, quoted};
use super::source::Sources;
use crate::fault::presets;

/// A fault that comes along.
pub(super) struct FaultName;

impl Scalar for FaultName {
    type Value = String;

    fn expected() -> String {
        "NAME[=VALUE][@DOOR], such as \"greylist\" or \"slow=2s@submission\"; `doorpost faults` lists them".into()
    }

    fn words() -> Vec<&'static str> {
        presets::PRESETS.iter().map(|preset| preset.name).collect()
    }

    fn parse(text: &str) -> Option<String> {
        presets::scenario(text).is_ok().then(|| text.to_owned())
    }

    fn write(value: &String) -> String {
        quoted(value)
    }
}

/// Faults at doors that there are not.
pub(super) fn doors(config: &Config, sources: &Sources) -> Vec<Problem> {
    let mut problems = Vec::new();
    for spec in &config.faults {
        let Some((_, door)) = spec.rsplit_once('@') else { continue };
        if config.door(door).is_none() {
            let doors: Vec<_> = config.doors.iter().map(|door| &*door.name).collect();
            let problem =
                Problem::new(format!("the fault {spec:?} is for a door that there is not"));
            let label = format!("expected one of {} behind the @", doors.join(", "));
            problems.push(problem.at(sources.of("faults").clone(), label));
        }
    }
    problems
}

//! Faults among the settings: `NAME[=VALUE][@DOOR]`.
//!
//! Refuses a name that is none, a value that the fault does not take, and a door that there is not.

use super::Config;
use super::error::Problem;
use super::kind::{Scalar, quoted};
use super::source::Sources;
use crate::fault::presets::{self, PresetError};

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
        // What is wrong with a value is told by `wrong`, which can say more.
        let unknown = matches!(presets::scenario(text), Err(PresetError::Unknown(_)));
        (!unknown).then(|| text.to_owned())
    }

    fn write(value: &String) -> String {
        quoted(value)
    }
}

/// Faults with values that they do not take, and at doors that there are not.
pub(super) fn wrong(config: &Config, sources: &Sources) -> Vec<Problem> {
    let mut problems = Vec::new();
    for spec in &config.faults {
        if let Err(error) = presets::scenario(spec) {
            let label = "`doorpost faults` lists the values";
            let problem = Problem::new(format!("the fault {spec:?} is not taken"));
            problems.push(problem.at(sources.of("faults").clone(), format!("{error}; {label}")));
            continue;
        }
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

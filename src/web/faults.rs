//! Faults: what is in force, for all or for one inbox, put in force and taken back while doorpost runs.
//!
//! A scenario with a mistake is refused whole, and the one before stays in force.

use super::body;
use super::parameters::{Nothing, Parameters};
use super::problem::Problem;
use super::{App, Shared};
use crate::fault::presets::{self, PRESETS};
use crate::fault::{RuleState, Scenario, ScenarioError};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

/// Octets of a scenario.
const LARGEST: usize = 1 << 20;

/// Which inbox the faults are for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Scope {
    /// Only for this inbox, in place of all.
    #[param(min_length = 1, max_length = 1000)]
    inbox: Option<String>,
}

impl Scope {
    fn inbox(&self) -> Result<Option<&str>, Problem> {
        match self.inbox.as_deref() {
            Some(name) if name.is_empty() || name.len() > 1000 => {
                Err(Problem::bad_request("an inbox's name has 1 to 1000 octets"))
            }
            inbox => Ok(inbox),
        }
    }
}

/// The faults that are in force.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Faults {
    /// The rules as TOML; empty where there are none.
    scenario: String,
    /// What each rule has done since it is in force, in their order.
    rules: Vec<FaultRule>,
    /// Inboxes that have faults of their own.
    inboxes: Vec<String>,
    /// Whether addresses under `.test`, and the header `X-Doorpost-Fault`, are heeded.
    magic: bool,
}

/// A rule.
#[derive(Debug, Serialize, ToSchema)]
struct FaultRule {
    /// Its name.
    name: String,
    /// The moment of a session at which it may strike.
    at: String,
    /// How often its conditions held.
    met: u64,
    /// How often it struck.
    struck: u64,
}

impl From<RuleState> for FaultRule {
    fn from(RuleState { name, at, met, struck }: RuleState) -> Self {
        Self { name, at, met, struck }
    }
}

/// Faults that are to be put in force: presets, rules, or both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"faults": ["greylist", "slow=2s@submission"]}))]
pub(super) struct FaultsWanted {
    /// Presets, as `NAME[=VALUE][@DOOR]`.
    #[serde(default)]
    #[schema(max_items = 100, required = false)]
    faults: Vec<String>,
    /// Rules as TOML.
    #[schema(max_length = 1048576)]
    scenario: Option<String>,
    /// Whether addresses under `.test`, and the header `X-Doorpost-Fault`, are heeded.
    magic: Option<bool>,
}

fn view(app: &App, inbox: Option<&str>) -> Json<Faults> {
    let faults = &app.faults;
    Json(Faults {
        scenario: faults.scenario(inbox).text().to_owned(),
        rules: faults.states(inbox).into_iter().map(FaultRule::from).collect(),
        inboxes: faults.inboxes(),
        magic: faults.has_magic(),
    })
}

/// Shows what is in force
///
/// And how often each rule has struck.
#[utoipa::path(
    get, path = "/api/faults", tag = "faults", params(Scope),
    responses((status = 200, description = "The faults that are in force", body = Faults)),
)]
pub(super) async fn get_faults(
    State(app): Shared,
    Parameters(scope): Parameters<Scope>,
) -> Result<Json<Faults>, Problem> {
    Ok(view(&app, scope.inbox()?))
}

/// Puts faults in force
///
/// In place of those before, whose counts are forgotten. The body is TOML, a scenario, or JSON that names
/// presets. With a mistake in it nothing changes, and the answer names rule, line, key, value and what is
/// allowed.
#[utoipa::path(
    put, path = "/api/faults", tag = "faults", params(Scope),
    request_body(content(
        (FaultsWanted = "application/json"),
        (String = "application/toml"),
    )),
    responses((status = 200, description = "They are in force", body = Faults)),
)]
pub(super) async fn put_faults(
    State(app): Shared,
    Parameters(scope): Parameters<Scope>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Faults>, Problem> {
    let inbox = scope.inbox()?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_json =
        kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/json"));
    let wanted = if is_json {
        body::expect_type(&headers, &["application/json"])?;
        let octets = body::read(&headers, body, 2 * LARGEST).await?;
        serde_json::from_slice(&octets).map_err(|error| {
            Problem::bad_request(&format!("the body is not as expected: {error}"))
        })?
    } else {
        body::expect_type(&headers, &["application/toml", "application/json"])?;
        let octets = body::read(&headers, body, LARGEST).await?;
        let text = String::from_utf8(octets.into());
        let text = text.map_err(|_| Problem::bad_request("the scenario is not UTF-8"))?;
        FaultsWanted { faults: Vec::new(), scenario: Some(text), magic: None }
    };
    let scenario = scenario(&app, inbox, &wanted)?;
    if let Some(magic) = wanted.magic {
        app.faults.set_magic(magic);
    }
    app.faults.set(inbox, scenario);
    app.faults.settled().await;
    Ok(view(&app, inbox))
}

/// Takes faults back
///
/// Those for all, or those of one inbox.
#[utoipa::path(
    delete, path = "/api/faults", tag = "faults", params(Scope),
    responses((status = 200, description = "None is in force", body = Faults)),
)]
pub(super) async fn delete_faults(
    State(app): Shared,
    Parameters(scope): Parameters<Scope>,
) -> Result<Json<Faults>, Problem> {
    let inbox = scope.inbox()?;
    app.faults.set(inbox, Scenario::default());
    app.faults.settled().await;
    Ok(view(&app, inbox))
}

fn scenario(app: &App, inbox: Option<&str>, wanted: &FaultsWanted) -> Result<Scenario, Problem> {
    let mut scenario = Scenario::default();
    let doors = app.store.doors();
    let doors: Vec<&str> = doors.iter().map(|door| door.name()).collect();
    if let Some(text) = &wanted.scenario {
        scenario = Scenario::parse(text).map_err(|error| mistakes(&error))?;
        scenario.fits_doors(&doors).map_err(|error| mistakes(&error))?;
    }
    if wanted.faults.len() > 100 {
        return Err(Problem::bad_request("there are more than 100 faults in the list"));
    }
    for spec in &wanted.faults {
        if let Some((_, door)) = spec.rsplit_once('@')
            && !doors.contains(&door)
        {
            let text =
                format!("the fault {spec:?} is for a door that there is not: {}", doors.join(", "));
            return Err(Problem::bad_request(&text));
        }
        let preset = presets::scenario(spec);
        let preset = preset.map_err(|error| Problem::bad_request(&error.to_string()))?;
        scenario = scenario.and(&preset).map_err(|error| mistakes(&error))?;
    }
    if inbox.is_some() {
        scenario.fits_inbox(app.faults.inbox_way()).map_err(|error| mistakes(&error))?;
    }
    Ok(scenario)
}

fn mistakes(error: &ScenarioError) -> Problem {
    let list = error.mistakes.iter().map(|mistake| {
        json!({
            "rule": mistake.rule,
            "line": mistake.line,
            "key": mistake.key,
            "value": mistake.value,
            "problem": mistake.problem,
        })
    });
    Problem::bad_request(&error.to_string()).with("mistakes", list.collect::<Vec<_>>().into())
}

/// The faults that come along.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Presets {
    /// In the order of the conversation, more or less.
    presets: Vec<PresetView>,
}

/// A fault that comes along.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Preset)]
struct PresetView {
    /// Its name.
    name: &'static str,
    /// What happens.
    about: &'static str,
    /// What may be set with `=`; null where nothing may.
    value: Option<&'static str>,
    /// What it is otherwise.
    usual_value: Option<&'static str>,
    /// Its rules as TOML.
    scenario: String,
}

/// Lists the faults that come along
///
/// Each under a name, with the rules that it stands for.
#[utoipa::path(
    get, path = "/api/faults/presets", tag = "faults",
    responses((status = 200, description = "The presets", body = Presets)),
)]
pub(super) async fn list_presets(_: Parameters<Nothing>) -> Json<Presets> {
    let presets = PRESETS.iter().map(|preset| PresetView {
        name: preset.name,
        about: preset.about,
        value: preset.value.map(|(value, _)| value),
        usual_value: preset.value.map(|(_, usual)| usual),
        scenario: preset.toml(None, None),
    });
    Json(Presets { presets: presets.collect() })
}

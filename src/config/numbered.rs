//! Rows that have no name and are told apart by their place: routes, whose order counts, and webhooks.
//!
//! Refuses keys that such a row does not have, and rows without the one key that makes them of use.

use super::error::{File, Problem};
use super::keys::{self, Key};
use super::kind::{Given, Kind};
use super::load::{Layers, Setting};
use super::route::{HookUrl, Pattern, Route, Via, Webhook};
use super::rows::unknown_key;
use super::source::Scope;
use toml::de::DeTable;

/// The array of routes.
pub(super) const ROUTES: &str = "routes";
/// The array of webhooks.
pub(super) const WEBHOOKS: &str = "webhooks";

impl Layers {
    /// Reads the routes and webhooks of a file, which take the place of those before.
    pub(super) fn numbered(&mut self, file: &File, table: &DeTable<'_>) {
        if let Some(rows) = table.get(ROUTES) {
            self.config.routes.clear();
            for row in self.rows(file, ROUTES, rows) {
                let number = (self.config.routes.len() + 1).to_string();
                let scope = Scope::Route(&number);
                let route: Route = self.numbered_row(file, row, keys::ROUTE, scope, "via");
                self.config.routes.push(route);
            }
        }
        if let Some(rows) = table.get(WEBHOOKS) {
            self.config.webhooks.clear();
            for row in self.rows(file, WEBHOOKS, rows) {
                let number = (self.config.webhooks.len() + 1).to_string();
                let scope = Scope::Webhook(&number);
                let hook: Webhook = self.numbered_row(file, row, keys::WEBHOOK, scope, "url");
                self.config.webhooks.push(hook);
            }
        }
    }

    fn numbered_row<T: Default>(
        &mut self,
        file: &File,
        (table, span): (&DeTable<'_>, std::ops::Range<usize>),
        known: &'static [Key<T>],
        scope: Scope<'_>,
        wanted: &str,
    ) -> T {
        let kind = if matches!(scope, Scope::Route(_)) { "route" } else { "webhook" };
        let mut row = T::default();
        for (key, value) in table {
            let Some(found) = keys::find(known, key.get_ref()) else {
                let problem = unknown_key(key.get_ref(), keys::names(known));
                let label = format!("no such key in a {kind}");
                self.problems.push(problem.at(file.at(key.span()), label));
                continue;
            };
            let outcome = (found.set)(&mut row, Given::Toml(value));
            self.outcome(file, (scope, kind), found.name, value, outcome);
        }
        if !table.contains_key(wanted) {
            let problem = Problem::new(format!("the {kind} {} has no `{wanted}`", scope.name()));
            let label = format!("expected a line {wanted} = \"…\" in this row");
            self.problems.push(problem.at(file.at(span), label));
        }
        row
    }

    /// `PATTERN=TARGET`, each a route; together they take the place of those before.
    pub(super) fn set_routes(&mut self, setting: &Setting) {
        let mut routes = Vec::new();
        for text in &setting.texts {
            match read_route(text) {
                Ok(route) => {
                    routes.push(route);
                    let number = routes.len().to_string();
                    for key in ["to", "via"] {
                        self.sources.set(Scope::Route(&number), key, setting.origin.clone());
                    }
                }
                Err(label) => {
                    let problem = Problem::new(format!("wrong value for `{}`", setting.origin));
                    self.problems.push(problem.at(setting.origin.clone(), label));
                }
            }
        }
        self.config.routes = routes;
    }

    /// URLs, each a webhook for all events; together they take the place of those before.
    pub(super) fn set_webhooks(&mut self, setting: &Setting) {
        let mut hooks = Vec::new();
        for text in &setting.texts {
            match HookUrl::read(Given::Texts(std::slice::from_ref(text))) {
                Ok(url) => {
                    hooks.push(Webhook { url, ..Webhook::default() });
                    let number = hooks.len().to_string();
                    self.sources.set(Scope::Webhook(&number), "url", setting.origin.clone());
                }
                Err(fault) => self.problems.push(setting.problem(fault)),
            }
        }
        self.config.webhooks = hooks;
    }
}

/// One `PATTERN=TARGET`.
fn read_route(text: &str) -> Result<Route, String> {
    let expected = "expected PATTERN=TARGET, such as *@onward.example=smtp://127.0.0.1:2500";
    let (pattern, target) = text.split_once('=').ok_or(expected)?;
    let one = |text: &str| [text.to_owned()];
    let to = Pattern::read(Given::Texts(&one(pattern))).map_err(|fault| fault.to_string())?;
    let via = Via::read(Given::Texts(&one(target))).map_err(|fault| fault.label)?;
    Ok(Route { to: vec![to], via, ..Route::default() })
}

/// The rows as `doorpost config` prints them: for each its array, its scope and its lines.
pub(super) fn written(
    config: &super::Config,
    show_secrets: bool,
    mut line: impl FnMut(&'static str, Scope<'_>, &'static str, Option<String>),
) {
    for (at, route) in config.routes.iter().enumerate() {
        let number = (at + 1).to_string();
        for key in keys::ROUTE {
            let hides = key.name == "via"
                && !show_secrets
                && route
                    .via
                    .as_ref()
                    .and_then(|via| via.server())
                    .is_some_and(|s| s.login.is_some());
            let value = if hides { None } else { (key.get)(route) };
            line(ROUTES, Scope::Route(&number), key.name, value);
        }
    }
    for (at, hook) in config.webhooks.iter().enumerate() {
        let number = (at + 1).to_string();
        for key in keys::WEBHOOK {
            let hides = key.secret && !show_secrets;
            line(
                WEBHOOKS,
                Scope::Webhook(&number),
                key.name,
                if hides { None } else { (key.get)(hook) },
            );
        }
    }
}

//! Makes the API's description from the code. What every operation can answer is added here once.

use super::super::problem::ProblemSchema;
use super::{DESCRIPTION, Operations};
use std::error::Error;
use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response as Described, ResponseBuilder, Schema};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "doorpost",
        description = "What a local mail server caught: messages, conversations, and what happens live. Times are RFC 3339 in UTC; names of messages and sessions are numbers, given as text. Errors are problem details (RFC 9457).",
        license(name = "MIT OR Apache-2.0"),
        contact(),
    ),
    tags(
        (name = "messages", description = "What was caught: find it, wait for it, mark it, delete it"),
        (name = "reading", description = "One message read for people and tests"),
        (name = "inboxes", description = "Messages sorted, so that tests do not see each other's"),
        (name = "sessions", description = "The conversations with clients"),
        (name = "findings", description = "What clients did wrong"),
        (name = "events", description = "What happens, live"),
        (name = "queue", description = "Mail going on: release, the queue, bounces, complaints, webhooks"),
        (name = "faults", description = "Misbehaviour on request"),
        (name = "status", description = "How doorpost is"),
    ),
    components(schemas(ProblemSchema)),
)]
struct Description;

/// The schemas of what a client sends, and not of what it gets.
const REQUESTS: [&str; 4] = ["Change", "FaultsWanted", "ReleaseWanted", "ReportWanted"];

/// Operations that things as they stand may forbid.
const CONFLICTS: [&str; 5] = [
    "release_message",
    "release_messages",
    "report_message",
    "retry_queue_item",
    "drop_queue_item",
];

/// Members that are left out where they have nothing to say. All others are always there, be it as
/// null.
const LEFT_OUT: [(&str, &str); 8] = [
    ("Message", "received"),
    ("Session", "transcript"),
    ("Session", "omitted_lines"),
    ("Auth", "secret"),
    ("Line", "note"),
    ("Problem", "start"),
    ("Problem", "end"),
    ("Problem", "help"),
];

/// Adds what every operation can answer, and what a client may have to show.
fn complete(document: &mut utoipa::openapi::OpenApi) {
    let schemes = [("login", HttpAuthScheme::Basic), ("token", HttpAuthScheme::Bearer)];
    let components = document.components.get_or_insert_default();
    for (name, scheme) in schemes.clone() {
        components.add_security_scheme(name, SecurityScheme::Http(Http::new(scheme)));
    }
    // Either, or nothing where doorpost was started with neither.
    let none: [&str; 0] = [];
    let required = schemes.iter().map(|(name, _)| SecurityRequirement::new(*name, none));
    document.security = Some(required.chain([SecurityRequirement::default()]).collect());
    for (name, schema) in &mut components.schemas {
        if let (RefOr::T(Schema::Object(object)), true) =
            (schema, !REQUESTS.contains(&name.as_str()))
        {
            let always = object.properties.keys().filter(|key| {
                !object.required.contains(key) && !LEFT_OUT.contains(&(name.as_str(), key.as_str()))
            });
            object.required.extend(always.cloned().collect::<Vec<_>>());
        }
    }
    for (path, item) in &mut document.paths.paths {
        let is_open = ["/livez", "/readyz"].contains(&path.as_str());
        let has_name = path.contains('{');
        let all = [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
        for operation in all.into_iter().flatten() {
            let summary = operation.summary.take();
            operation.summary = summary.map(|text| text.trim_end_matches('.').to_owned());
            add_problem(operation, "400", "A parameter or the body is not as expected");
            add_problem(operation, "403", "This Host or Origin may not ask");
            if is_open {
                continue;
            }
            add_problem(operation, "401", "A login or a token is wanted");
            add_problem(operation, "500", "The store failed");
            add_problem(operation, "503", "Too much is asked at once, or the search took too long");
            // Where nothing goes on, or an entry is settled.
            let id = operation.operation_id.as_deref().unwrap_or_default();
            let names_a_session = id == "list_findings";
            // With a certificate of one's own there is no CA.
            let may_be_missing = id == "get_ca";
            if CONFLICTS.contains(&id) {
                add_problem(operation, "409", "That is not possible as things stand");
            }
            // Findings can be asked for by the session that they were made in.
            if has_name || names_a_session || may_be_missing {
                add_problem(operation, "404", "There is none of that name");
            }
            if operation.request_body.is_some() {
                add_problem(operation, "408", "The body did not come in time");
                add_problem(operation, "413", "The body is too large");
                add_problem(operation, "415", "The body is of another media type, or compressed");
            }
        }
    }
}

fn add_problem(operation: &mut Operation, status: &str, description: &str) {
    let schema = Ref::from_schema_name("Problem");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let described: Described = ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content)
        .build();
    let known = operation.responses.responses.entry(status.to_owned());
    known.or_insert(RefOr::T(described));
}

/// Set to write the description down anew.
const REWRITE: &str = "REWRITE_OPENAPI";

#[test]
fn the_description_is_the_one_that_was_looked_at() -> Result<(), Box<dyn Error>> {
    let mut made = Description::openapi();
    made.merge(Operations::openapi());
    complete(&mut made);
    let made = made.to_pretty_json()? + "\n";
    if std::env::var_os(REWRITE).is_some() {
        let place = concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/docs/openapi.json");
        return Ok(std::fs::write(place, made)?);
    }
    assert!(
        made == DESCRIPTION,
        "the API is not as src/web/docs/openapi.json has it; {REWRITE}=1 cargo test --lib description writes it down, then look at the difference"
    );
    Ok(())
}

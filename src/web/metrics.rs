//! The numbers for Prometheus, in the OpenMetrics text format: read when somebody asks, kept nowhere
//! else.

use super::parameters::{Nothing, Parameters};
use super::problem::Problem;
use super::status::Statistics;
use super::{App, Shared};
use crate::finding::Code;
use crate::storage::Door;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;
use std::sync::Arc;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Gives the numbers to Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "status",
    responses((
        status = 200, description = "The numbers, in the OpenMetrics text format",
        content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8", body = String,
    )),
)]
pub(super) async fn get_metrics(
    State(app): Shared,
    _: Parameters<Nothing>,
) -> Result<Response, Problem> {
    let snapshot = Snapshot::of(&app).await?;
    let mut registry = Registry::default();
    registry.register_collector(Box::new(snapshot));
    let mut page = String::new();
    let failed = |_| Problem::failed("the numbers could not be written");
    text::encode(&mut page, &registry).map_err(failed)?;
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], page).into_response())
}

#[derive(Debug)]
struct Snapshot {
    statistics: Statistics,
    readers: usize,
    doors: Vec<Arc<Door>>,
    findings: Vec<(Code, u64)>,
}

/// A number of a door: its name, what it is, and where it stands.
type DoorCounter = (&'static str, &'static str, fn(&Door) -> u64);

const DOOR_COUNTERS: [DoorCounter; 4] = [
    ("doorpost_door_sessions", "Connections that became sessions", |door| door.counts.sessions()),
    ("doorpost_door_messages", "Messages that were kept", |door| door.counts.messages()),
    (
        "doorpost_door_refused_sessions",
        "Sessions in which something was refused, or that failed",
        |door| door.counts.refused(),
    ),
    (
        "doorpost_door_turned_away_connections",
        "Connections over a cap, which became no session",
        |door| door.counts.turned_away(),
    ),
];

impl Snapshot {
    async fn of(app: &App) -> Result<Self, Problem> {
        let uptime = app.started.elapsed();
        let statistics = app.aside(move |store| Statistics::of(store, uptime)).await?;
        let readers = app.largest_reader_count - app.readers.available_permits();
        // Codes that were never found would fill pages.
        let findings = app.store.finding_counts().filter(|(_, count)| *count > 0).collect();
        Ok(Self { statistics, readers, doors: app.store.doors().to_vec(), findings })
    }
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Statistics { messages, unread, bytes, sessions, pruned, index, uptime_s, .. } =
            &self.statistics;
        let gauges = [
            ("doorpost_messages", "Messages that are kept", None, *messages),
            ("doorpost_messages_unread", "Messages that nobody has read", None, *unread),
            (
                "doorpost_messages_size",
                "Octets that the kept messages take",
                Some(Unit::Bytes),
                *bytes,
            ),
            ("doorpost_sessions_running", "Sessions that run", None, sessions.running),
            ("doorpost_sessions_kept", "Ended sessions that are kept", None, sessions.kept),
            (
                "doorpost_index_behind_changes",
                "Changes that the index has not yet taken in",
                None,
                index.behind,
            ),
            ("doorpost_event_readers", "Readers of events", None, self.readers as u64),
            ("doorpost_uptime", "Time since the start", Some(Unit::Seconds), *uptime_s),
        ];
        for (name, help, unit, value) in gauges {
            let gauge = encoder.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
            ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)).encode(gauge)?;
        }
        let name = "doorpost_messages_pruned";
        let help = "Messages that had to go because of a bound";
        let counter = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        ConstCounter::new(*pruned).encode(counter)?;
        for (name, help, read) in DOOR_COUNTERS {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for door in &self.doors {
                let labels = [("door", door.name())];
                ConstCounter::new(read(door)).encode(family.encode_family(&labels)?)?;
            }
        }
        let (name, help) = ("doorpost_findings", "Mistakes of clients that were found");
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (code, count) in &self.findings {
            let labels = [("code", code.as_str())];
            ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
        }
        let (name, help) = ("doorpost_door_accepting", "Whether the door takes connections");
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for door in &self.doors {
            let labels = [("door", door.name())];
            let value = i64::from(door.is_accepting());
            ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
        }
        let info = encoder.encode_descriptor(
            "doorpost_build",
            "Which doorpost this is",
            None,
            MetricType::Info,
        )?;
        Info::new([("version", env!("CARGO_PKG_VERSION"))]).encode(info)
    }
}

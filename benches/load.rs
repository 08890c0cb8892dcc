//! A load generator: sends messages as fast as a server takes them, and says how fast that was.
//!
//! `cargo bench --bench load -- --help`. It knows what smtp-source does not: TLS, AUTH, pipelining and BDAT. It sends to
//! loopback only, and gives one line of JSON. A reply that is not the one it hoped for ends it.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a benchmark may stop at the first surprise

#[path = "load/client.rs"]
mod client;
#[path = "load/plan.rs"]
mod plan;

use clap::Parser as _;
use client::Client;
use plan::Plan;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

fn main() {
    let plan = Arc::new(Plan::parse());
    assert!(plan.address.ip().is_loopback(), "only loopback is loaded");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(plan.threads)
        .enable_all()
        .build()
        .unwrap();
    if plan.hold {
        return runtime.block_on(hold(&plan));
    }
    let began = Instant::now();
    let mut latencies = runtime.block_on(run(&plan));
    let took = began.elapsed();
    latencies.sort_unstable();
    let at = |share: f64| {
        let last = latencies.len().saturating_sub(1);
        latencies.get((last as f64 * share) as usize).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    };
    let messages = latencies.len();
    println!(
        "{}",
        serde_json::json!({
            "messages": messages,
            "seconds": took.as_secs_f64(),
            "messages_a_second": messages as f64 / took.as_secs_f64(),
            "megabytes_a_second": (messages * plan.size) as f64 / took.as_secs_f64() / 1e6,
            "reply_us": { "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": at(1.0) },
        })
    );
}

/// Every message's time from its last octet to the reply.
async fn run(plan: &Arc<Plan>) -> Vec<Duration> {
    let message: Arc<[u8]> = plan.message().into();
    let left = Arc::new(AtomicU64::new(plan.messages));
    let tls = plan.client_config();
    let sessions = (0..plan.sessions).map(|_| {
        let (plan, message) = (Arc::clone(plan), Arc::clone(&message));
        let (left, tls) = (Arc::clone(&left), tls.clone());
        tokio::spawn(async move {
            let mut message = message.to_vec();
            let mut latencies = Vec::new();
            let take =
                || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
            let mut client: Option<(Client, u64)> = None;
            while let Ok(number) = take() {
                if plan.greetings {
                    let began = Instant::now();
                    Client::connect(&plan, tls.as_ref()).await.quit().await;
                    latencies.push(began.elapsed());
                    continue;
                }
                let (mut open, sent) = match client.take() {
                    Some(open) => open,
                    None => (Client::connect(&plan, tls.as_ref()).await, 0),
                };
                Plan::name(&mut message, number);
                latencies.push(open.send(&plan, &message).await);
                match plan.per_session > 0 && sent + 1 >= plan.per_session {
                    true => open.quit().await,
                    false => client = Some((open, sent + 1)),
                }
            }
            if let Some((open, _)) = client {
                open.quit().await;
            }
            latencies
        })
    });
    let mut all = Vec::new();
    for session in sessions.collect::<Vec<_>>() {
        all.extend(session.await.expect("a session failed"));
    }
    all
}

/// Many sessions that have said EHLO and nothing more.
async fn hold(plan: &Plan) {
    let wanted = plan.sessions as u64 + 100;
    rlimit::increase_nofile_limit(wanted).expect("too few files may be open");
    let tls = plan.client_config();
    let mut open = Vec::new();
    for _ in 0..plan.sessions {
        open.push(Client::connect(plan, tls.as_ref()).await);
    }
    println!("{}", serde_json::json!({ "held": open.len() }));
    std::io::Read::read_to_end(&mut std::io::stdin(), &mut Vec::new()).unwrap();
}

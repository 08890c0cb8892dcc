//! Limits hold for the client that exceeds them, and nobody else notices.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

mod support;

use doorpost::Doorpost;
use doorpost::config::Config;
use std::net::SocketAddr;
use support::Client;

/// A client's part of a test, off the server's threads.
async fn client<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

async fn start(change: impl FnOnce(&mut Config)) -> (Doorpost, SocketAddr) {
    let mut config = Config { web: None, ..Config::ephemeral() };
    change(&mut config);
    let doorpost = Doorpost::builder().config(config).start().await.unwrap();
    let address = doorpost.door("relay").unwrap().addresses[0];
    (doorpost, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_in_flight_has_a_cap_and_others_keep_working() {
    let (doorpost, address) = start(|config| {
        config.memory = 1024 * 1024;
        config.door_mut("relay").unwrap().limits.message_size = 1024 * 1024;
    })
    .await;
    client(move || {
        let mut large = Client::connect(address);
        large.begin_data();
        large.send(format!("{}\r\n", "x".repeat(900 * 1024)));
        // An announced size is refused as soon as the server has read all that the large one sends.
        let mut asking = Client::connect(address);
        asking.reply();
        asking.ask("EHLO client.example");
        let refused = (0..1000).any(|_| {
            let announced = asking.ask("MAIL FROM:<a@example.org> SIZE=100000");
            asking.ask("RSET");
            announced.starts_with("452 4.3.1")
        });
        assert!(refused, "the large message takes no memory");
        let mut second = Client::connect(address);
        let reply = second.mail(&"y".repeat(500 * 1024));
        assert!(reply.starts_with("452 4.3.1"), "{reply}");
        let mut small = Client::connect(address);
        assert!(small.mail("small").starts_with("250"));
        assert!(large.ask(".").starts_with("250"));
        // What the large one held is free again, also for the session that was refused.
        second.send("RSET\r\n");
        assert!(second.reply().starts_with("250"));
        let mut again = Client::connect(address);
        assert!(again.mail(&"z".repeat(900 * 1024)).starts_with("250"));
    })
    .await;
    assert_eq!(doorpost.messages().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_over_the_cap_are_turned_away_until_one_leaves() {
    let (doorpost, address) = start(|config| config.max_connections = 2).await;
    client(move || {
        let mut one = Client::connect(address);
        let mut two = Client::connect(address);
        assert!(one.reply().starts_with("220") && two.reply().starts_with("220"));
        let mut three = Client::connect(address);
        assert!(three.reply().starts_with("421 4.7.0"));
        assert_eq!(three.reply(), "");
        assert!(two.ask("QUIT").starts_with("221"));
        assert_eq!(two.reply(), "");
        drop(two);
        // The place is free when the server has seen the end, which is soon and not at once.
        let greeted = (0..200).any(|_| Client::connect(address).reply().starts_with("220"));
        assert!(greeted, "the place is not given back");
        assert!(one.ask("NOOP").starts_with("250"));
    })
    .await;
    assert!(doorpost.door("relay").unwrap().counts.turned_away() >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_cannot_take_every_place() {
    let (_doorpost, address) = start(|config| config.max_connections_per_address = 1).await;
    client(move || {
        let mut one = Client::connect(address);
        assert!(one.reply().starts_with("220"));
        assert!(Client::connect(address).reply().starts_with("421 4.7.0"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_message_goes_when_the_store_is_full() {
    let (doorpost, address) = start(|config| config.max_messages = 2).await;
    client(move || {
        for n in 0..4 {
            assert!(Client::connect(address).mail(&format!("Subject: {n}\r\n")).starts_with("250"));
        }
    })
    .await;
    let numbers: Vec<_> = doorpost.messages().iter().map(|message| message.id().get()).collect();
    assert_eq!(numbers, [3, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_larger_than_the_store_is_refused() {
    let (doorpost, address) = start(|config| {
        config.max_bytes = 1000;
        for door in &mut config.doors {
            door.limits.message_size = 1000;
        }
    })
    .await;
    client(move || {
        let reply = Client::connect(address).mail(&"x".repeat(2000));
        assert!(reply.starts_with("552 5.3.4"), "{reply}");
        assert!(Client::connect(address).mail("small").starts_with("250"));
    })
    .await;
    assert_eq!(doorpost.messages().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_kept_up_to_their_bounds() {
    let (doorpost, address) = start(|config| config.max_sessions = 3).await;
    client(move || {
        for _ in 0..5 {
            let mut client = Client::connect(address);
            client.reply();
            assert!(client.ask("QUIT").starts_with("221"));
            assert_eq!(client.reply(), "");
        }
    })
    .await;
    let ended =
        |entry: &doorpost::storage::SessionEntry| entry.id.get() == 5 && entry.ended_at().is_some();
    doorpost.wait_for_session(ended, support::PATIENCE).await.unwrap();
    let numbers: Vec<_> = doorpost.sessions().iter().map(|entry| entry.id.get()).collect();
    assert_eq!(numbers, [3, 4, 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_data_that_trickles_is_ended() {
    let (doorpost, address) = start(|config| {
        let relay = config.door_mut("relay").unwrap();
        relay.deadlines.data = std::time::Duration::from_millis(300);
        relay.deadlines.minimum_rate = 1000;
    })
    .await;
    client(move || {
        let mut client = Client::connect(address);
        client.begin_data();
        // A line every now and then is a block each time, and still far below the rate.
        let bye = loop {
            client.send("x\r\n");
            client.stream().set_read_timeout(Some(std::time::Duration::from_millis(100))).unwrap();
            let reply = client.reply();
            if !reply.is_empty() {
                break reply;
            }
        };
        assert!(bye.starts_with("421 4.4.2"), "{bye}");
    })
    .await;
    assert!(doorpost.messages().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_cannot_hold_the_server() {
    let (doorpost, address) = start(|config| {
        config.door_mut("relay").unwrap().deadlines.grace = std::time::Duration::from_millis(200);
    })
    .await;
    let deaf = client(move || {
        let client = Client::connect(address);
        client.stream().set_nonblocking(true).unwrap();
        // Replies are longer than the commands: the server's side fills up, and it waits to write.
        let commands = "EHLO client.example\r\n".repeat(2000);
        let mut blocked = 0;
        while blocked < 20 {
            match std::io::Write::write(&mut client.stream(), commands.as_bytes()) {
                Ok(_) => blocked = 0,
                Err(_) => {
                    blocked += 1;
                    std::thread::sleep(std::time::Duration::from_millis(10));
                }
            }
        }
        client
    })
    .await;
    tokio::time::timeout(support::PATIENCE, doorpost.stop()).await.unwrap();
    drop(deaf);
}

/// Also one that goes on asking after the server has begun to stop, and reads nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_only_asks_cannot_hold_the_server() {
    let (doorpost, address) = start(|config| {
        config.door_mut("relay").unwrap().deadlines.grace = std::time::Duration::from_millis(300);
    })
    .await;
    let begun = client(move || {
        let mut client = Client::connect(address);
        client.begin_data();
        client.send("half a message\r\n.\r\nMAIL FROM:<a@example.org>\r\n");
        client
    })
    .await;
    let asking = tokio::task::spawn_blocking(move || {
        let commands = "HELP\r\n".repeat(5000);
        // Ends when the server closes.
        while std::io::Write::write_all(&mut begun.stream(), commands.as_bytes()).is_ok() {}
    });
    tokio::time::timeout(support::PATIENCE, doorpost.stop()).await.unwrap();
    drop(doorpost);
    asking.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_tls_clients_do_not_hold_the_server() {
    let (doorpost, _) = start(|_| {}).await;
    let address = doorpost.door("submissions").unwrap().addresses[0];
    let connecting = tokio::task::spawn_blocking(move || {
        let connect = |_| std::net::TcpStream::connect(address);
        (0..300).map_while(|n| connect(n).ok()).collect::<Vec<_>>()
    });
    tokio::task::yield_now().await;
    let stopped = tokio::time::timeout(std::time::Duration::from_secs(20), doorpost.stop()).await;
    assert!(stopped.is_ok(), "a handshake holds the server");
    drop(connecting.await.unwrap());
}

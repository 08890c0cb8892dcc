//! A small client for tests: it says what it is told to say, and reads whole replies.

#![allow(dead_code)] // each test program uses its own part of it
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may stop at the first surprise

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Nothing that is expected takes as long as this, on any machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    /// Connects, and leaves the greeting to be read.
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { reader: BufReader::new(stream) }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.reader.get_mut().write_all(bytes.as_ref()).unwrap();
    }

    /// The next whole reply, lines parted by LF; empty where the server closed.
    pub fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            // A reset is an end too.
            if self.reader.read_line(&mut line).unwrap_or(0) == 0 {
                return reply;
            }
            reply.push_str(line.trim_end());
            if line.as_bytes().get(3) == Some(&b' ') {
                return reply;
            }
            reply.push('\n');
        }
    }

    /// Sends a line and gives the reply.
    pub fn ask(&mut self, line: &str) -> String {
        self.send(format!("{line}\r\n"));
        self.reply()
    }

    /// Greeting, EHLO, MAIL, RCPT and DATA on a door without demands.
    pub fn begin_data(&mut self) {
        assert!(self.reply().starts_with("220 "));
        assert!(self.ask("EHLO client.example").contains("PIPELINING"));
        self.send("MAIL FROM:<alice@example.org>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n");
        for code in ["250", "250", "354"] {
            let reply = self.reply();
            assert!(reply.starts_with(code), "{reply}");
        }
    }

    /// One whole message; the reply to its end.
    pub fn mail(&mut self, body: &str) -> String {
        self.begin_data();
        self.send(body);
        self.ask("\r\n.")
    }

    pub fn stream(&self) -> &TcpStream {
        self.reader.get_ref()
    }
}

/// One HTTP request and its answer: status, headers, body.
pub fn http(address: SocketAddr, host: &str, method: &str, path: &str) -> (u16, String, Vec<u8>) {
    request(address, method, path, &format!("Host: {host}\r\n"), b"")
}

/// One HTTP request with all its headers and its body.
pub fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &[u8],
) -> (u16, String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = match body.len() {
        0 => String::new(),
        length => format!("Content-Length: {length}\r\n"),
    };
    write!(stream, "{method} {path} HTTP/1.1\r\n{headers}{length}Connection: close\r\n\r\n")
        .unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), answer[end + 4..].to_vec())
}

/// A request with a JSON body to a name that is allowed; the answer's status and JSON.
pub fn send_json(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: &serde_json::Value,
) -> (u16, serde_json::Value) {
    let headers = "Host: localhost\r\nContent-Type: application/json\r\n";
    let (status, _, body) = request(address, method, path, headers, body.to_string().as_bytes());
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// A path with a query at its end, encoded as a client does.
pub fn with_query(path: &str, query: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    format!("{path}{}", query.bytes().map(encode).collect::<String>())
}

/// The names of a list of messages.
pub fn ids(list: &serde_json::Value) -> Vec<&str> {
    list["messages"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap()).collect()
}

pub fn json(address: SocketAddr, path: &str) -> serde_json::Value {
    let (status, head, body) = http(address, "localhost", "GET", path);
    assert_eq!(status, 200, "{path}: {head}");
    serde_json::from_slice(&body).unwrap()
}

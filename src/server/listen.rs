//! Binding: a listener that is ready to accept, or the reason why not.

use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};

/// Connections that the system may hold while none of them is accepted yet: a test suite opens
/// hundreds at once.
const BACKLOG: i32 = 4096;

/// Binds one address. Port 0 lets the system choose.
///
/// # Errors
/// What the system says.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // The IPv4 address has a listener of its own.
        socket.set_only_v6(true)?;
    }
    // On Windows the option would let two programs share the port.
    if cfg!(unix) {
        socket.set_reuse_address(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

//! Signals of the daemon.
//!
//! Source: heartbeat 3.0.6, `spec/heartbeat-v1.md` section 4.

use std::io;
use std::task::Poll;

use nix::sys::signal::{SigHandler, Signal};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalRequest {
    /// TERM: give everything up and end.
    Terminate,
    /// INT: heartbeat ignores it; in the foreground it may mean the same as TERM.
    Interrupt,
    /// HUP: look at the configuration and the log files again.
    Reload,
    /// USR1: debug level one up.
    MoreDebug,
    /// USR2: debug level one down.
    LessDebug,
}

/// The signals that the daemon takes, from its start on.
#[derive(Debug)]
pub struct Signals {
    streams: Vec<(SignalRequest, Stream)>,
}

impl Signals {
    /// Takes them over; SIGPIPE is ignored from here on (children get it back).
    ///
    /// Panics: outside a tokio runtime.
    pub fn new() -> io::Result<Self> {
        crate::sys::signal::set_handler(Signal::SIGPIPE, SigHandler::SigIgn);
        let kinds = [
            (SignalRequest::Terminate, SignalKind::terminate()),
            (SignalRequest::Interrupt, SignalKind::interrupt()),
            (SignalRequest::Reload, SignalKind::hangup()),
            (SignalRequest::MoreDebug, SignalKind::user_defined1()),
            (SignalRequest::LessDebug, SignalKind::user_defined2()),
        ];
        let take = |(request, kind)| Ok((request, signal(kind)?));
        Ok(Self {
            streams: kinds.into_iter().map(take).collect::<io::Result<_>>()?,
        })
    }

    /// Waits for the next one. Cancel-safe.
    pub async fn next(&mut self) -> SignalRequest {
        std::future::poll_fn(|cx| {
            for (request, stream) in &mut self.streams {
                if stream.poll_recv(cx).is_ready() {
                    return Poll::Ready(*request);
                }
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::raise;

    #[test]
    fn signals_become_requests() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(async {
            let mut signals = Signals::new().expect("signals");
            for (signal, request) in [
                (Signal::SIGHUP, SignalRequest::Reload),
                (Signal::SIGUSR1, SignalRequest::MoreDebug),
                (Signal::SIGUSR2, SignalRequest::LessDebug),
                (Signal::SIGTERM, SignalRequest::Terminate),
            ] {
                raise(signal).expect("raised");
                assert_eq!(signals.next().await, request);
            }
        });
    }
}

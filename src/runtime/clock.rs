//! The clock: monotonic time that counts suspend, wall time, one alarm.

use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{
    ClockId as TimerClock, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags,
};
use nix::time::{ClockId, clock_gettime};
use tokio::io::unix::AsyncFd;

use crate::sys::reactor::{Timer, register};
use crate::time::{Instant, Now};

/// Both times, now.
pub fn now() -> Now {
    let wall = read(ClockId::CLOCK_REALTIME);
    Now {
        mono: mono(),
        unix_s: u64::try_from(wall.tv_sec()).unwrap_or(0),
    }
}

/// Monotonic time: CLOCK_BOOTTIME, so that the time a machine was suspended counts as time in
/// which nobody was heard.
pub fn mono() -> Instant {
    let time = read(ClockId::CLOCK_BOOTTIME);
    Instant(u64::try_from(Duration::from(time).as_millis()).unwrap_or(u64::MAX))
}

/// The point of monotonic time that lies `wall` behind us, by the wall clock.
///
/// The wall clock may have been set in between, so the answer is held between `earliest` and now.
pub fn place(wall: TimeSpec, earliest: Instant) -> Instant {
    let age = Duration::from(read(ClockId::CLOCK_REALTIME))
        .checked_sub(Duration::from(wall))
        .unwrap_or_default();
    let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    let now = mono();
    Instant(now.0.saturating_sub(age_ms)).clamp(earliest.min(now), now)
}

fn read(clock: ClockId) -> TimeSpec {
    clock_gettime(clock).expect("clock_gettime(2) reads each clock that Linux has")
}

/// A timer on the clock of [`mono`]; one setting at a time.
///
/// Unlike tokio's timers it is a file descriptor: it goes off at once after a suspend, in its
/// turn during a flood of packets, and to the millisecond.
#[derive(Debug)]
pub struct Alarm {
    fd: AsyncFd<Timer>,
    at: Option<Instant>,
}

impl Alarm {
    /// An alarm that is not set.
    ///
    /// Panics: outside a tokio runtime.
    pub fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(TimerClock::CLOCK_BOOTTIME, flags)?;
        Ok(Self {
            fd: register(Timer(timer))?,
            at: None,
        })
    }

    /// What it is set to.
    pub fn at(&self) -> Option<Instant> {
        self.at
    }

    /// Sets it to go off at `at` (at once if that is past), or takes it back.
    pub fn set(&mut self, at: Option<Instant>) -> io::Result<()> {
        if self.at == at {
            return Ok(());
        }
        self.at = at;
        let timer = &self.fd.get_ref().0;
        match at {
            // Zero would disarm it.
            Some(at) => {
                let at = Expiration::OneShot(Duration::from_millis(at.0.max(1)).into());
                timer.set(at, TimerSetTimeFlags::TFD_TIMER_ABSTIME)?;
            }
            None => timer.unset()?,
        }
        Ok(())
    }

    /// Waits until it goes off; for ever while it isn't set.
    pub async fn fired(&mut self) {
        std::future::poll_fn(|cx| self.poll_fired(cx)).await;
    }

    /// Ready once it went off; the setting is used up by that.
    pub fn poll_fired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let Some(at) = self.at else {
                return Poll::Pending;
            };
            if at <= mono() {
                self.at = None;
                return Poll::Ready(());
            }
            // An error of the timer has no cure here: the next poll sees the clock.
            let Ok(mut guard) = ready!(self.fd.poll_read_ready(cx)) else {
                return Poll::Pending;
            };
            // It went off for what it was set to before: setting it anew took that back, and
            // only the runtime doesn't know.
            guard.clear_ready();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
    }

    #[test]
    fn an_alarm_goes_off_once_and_not_early() {
        runtime().block_on(async {
            let mut alarm = Alarm::new().expect("a timer");
            let at = mono() + Duration::from_millis(30);
            alarm.set(Some(at)).expect("set");
            alarm.fired().await;
            assert!(mono() >= at);
            let again = tokio::time::timeout(Duration::from_millis(30), alarm.fired()).await;
            assert!(again.is_err(), "used up");
        });
    }

    #[test]
    fn a_past_alarm_goes_off_at_once_and_a_changed_one_at_its_new_time() {
        runtime().block_on(async {
            let mut alarm = Alarm::new().expect("a timer");
            alarm.set(Some(Instant(0))).expect("set");
            alarm.fired().await;
            let start = mono();
            alarm
                .set(Some(start + Duration::from_secs(60)))
                .expect("set");
            alarm
                .set(Some(start + Duration::from_millis(20)))
                .expect("set");
            alarm.fired().await;
            assert!(mono().since(start) < Duration::from_secs(10));
        });
    }

    #[test]
    fn wall_times_are_placed_between_the_given_bound_and_now() {
        let earliest = mono();
        let wall = read(ClockId::CLOCK_REALTIME);
        let placed = place(wall, Instant(0));
        assert!(placed <= mono() && mono().since(placed) < Duration::from_secs(5));
        assert_eq!(
            place(TimeSpec::new(0, 0), earliest),
            earliest,
            "clock set forward"
        );
        let future = TimeSpec::new(wall.tv_sec() + 3600, 0);
        assert!(place(future, Instant(0)) >= earliest, "clock set back");
    }
}

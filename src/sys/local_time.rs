//! Wall time as the log writes it: broken down in the machine's zone.

/// Wall time in the local zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime {
    /// Four digits.
    pub year: i32,
    /// 1..=12
    pub month: u8,
    /// 1..=31
    pub day: u8,
    /// 0..=23
    pub hour: u8,
    /// 0..=59
    pub minute: u8,
    /// 0..=60
    pub second: u8,
}

impl LocalTime {
    /// Breaks down seconds since 1970; a year that `int` can't hold gives 1970.
    pub fn at(unix_s: u64) -> Self {
        let tm = broken_down(unix_s);
        let small = |n: libc::c_int| u8::try_from(n).unwrap_or(0);
        Self {
            year: tm.tm_year.saturating_add(1900),
            month: small(tm.tm_mon.saturating_add(1)),
            day: small(tm.tm_mday),
            hour: small(tm.tm_hour),
            minute: small(tm.tm_min),
            second: small(tm.tm_sec),
        }
    }
}

/// The time as C's `ctime` writes it, without the newline: `Thu Nov 26 17:50:58 2026`.
pub fn ctime(unix_s: u64) -> String {
    let at = LocalTime::at(unix_s);
    let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let name = |names: &[&'static str], at: usize| names.get(at).copied().unwrap_or("???");
    format!(
        "{} {} {:>2} {:02}:{:02}:{:02} {}",
        name(&days, weekday(at)),
        name(&months, usize::from(at.month.wrapping_sub(1))),
        at.day,
        at.hour,
        at.minute,
        at.second,
        at.year
    )
}

/// The time as C's `strftime` writes it in this format.
///
/// Bounds: an answer longer than 1024 bytes is empty, and so is one of a format with a zero byte.
pub fn strftime(format: &str, unix_s: u64) -> String {
    let Ok(format) = std::ffi::CString::new(format) else {
        return String::new();
    };
    let tm = broken_down(unix_s);
    let mut text = [0_u8; 1024];
    // SAFETY: the buffer is as long as it is said to be, the format ends with a zero, `tm` lives.
    let length = unsafe {
        libc::strftime(
            text.as_mut_ptr().cast(),
            text.len(),
            format.as_ptr(),
            &raw const tm,
        )
    };
    String::from_utf8_lossy(text.get(..length).unwrap_or_default()).into_owned()
}

/// 0 is Sunday. Source: Sakamoto's method.
fn weekday(at: LocalTime) -> usize {
    let shift = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
    let month = usize::from(at.month.wrapping_sub(1));
    let year = at.year - i32::from(at.month < 3);
    let shift = shift.get(month).copied().unwrap_or(0);
    let day = year + year / 4 - year / 100 + year / 400 + shift + i32::from(at.day);
    usize::try_from(day.rem_euclid(7)).unwrap_or(0)
}

/// How far the local zone is ahead of UTC at a time, seconds.
pub fn offset_s(unix_s: u64) -> i32 {
    i32::try_from(broken_down(unix_s).tm_gmtoff).unwrap_or(0)
}

fn broken_down(unix_s: u64) -> libc::tm {
    let seconds = libc::time_t::try_from(unix_s).unwrap_or(0);
    // SAFETY: an all-zero `tm` is valid (plain numbers and a nullable pointer).
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live values; localtime_r writes the second only.
    unsafe { libc::localtime_r(&raw const seconds, &raw mut tm) };
    tm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ctime_has_the_day_of_the_week() {
        // Whatever the zone of the machine, it is one of two days.
        let text = ctime(1_795_650_658);
        assert!(
            text.starts_with("Wed Nov 25") || text.starts_with("Thu Nov 26"),
            "{text}"
        );
        assert_eq!(text.len(), 24, "{text}");
    }

    #[test]
    fn formats_are_those_of_strftime() {
        assert_eq!(strftime("%s %% %Y", 1_795_650_658), "1795650658 % 2026");
        assert_eq!(strftime("", 7), "");
        assert_eq!(strftime(&"x".repeat(2000), 7), "");
    }

    #[test]
    fn parts_are_in_range_and_a_day_later_is_another_day() {
        let at = LocalTime::at(1_795_346_911);
        let later = LocalTime::at(1_795_346_911 + 86_400);
        assert_eq!((at.year, at.month), (2026, 11));
        assert!((1..=31).contains(&at.day) && at.hour < 24 && at.minute < 60);
        assert_ne!(at.day, later.day);
    }
}
